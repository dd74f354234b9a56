package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.backends.FileBackend;
import io.doorbell.backends.MemoryBackend;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CommandsSupportedAndEffects;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.FormatSettings;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.IdentifyZoned;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NamespaceIdentifiers;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.Zone;
import io.doorbell.nvme.ZoneReport;
import io.doorbell.reactor.HandReactor;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.CommandPath;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ZonedNamespaceTest {
    private static final int DNR = Status.DNR;
    private static final int ZONE_BLOCKS = 128;
    private static final int CAPACITY = 100;
    private static final int ZONES = 16;
    private static final int BYTES = ZONES * ZONE_BLOCKS * 512;
    private static final int ENABLE = new ControllerConfiguration(Rig.ENABLE)
            .withCss(ControllerConfiguration.CSS_IO_COMMAND_SETS)
            .raw();

    @TempDir
    Path directory;

    private Rig rig = new Rig();
    private CommandPath path;

    @AfterEach
    void close() {
        path.close();
        rig.close();
    }

    private void memory(int open, int active) {
        var blocks = new MemoryBackend().open(new NamespaceSpec("memory", BYTES, 512, ""));
        start(new ZonedNamespace(blocks, new ZoneOptions(ZONE_BLOCKS * 512, CAPACITY * 512, open, active)));
    }

    private void file(Path image) {
        var blocks = new FileBackend(image.getParent(), 2)
                .open(new NamespaceSpec("file", BYTES, 512, image.getFileName().toString()));
        start(new ZonedNamespace(blocks, new ZoneOptions(ZONE_BLOCKS * 512, CAPACITY * 512, 0, 0)));
    }

    private void start(ZonedNamespace namespace) {
        rig.subsystem.addNamespace(1, namespace);
        rig.controller.configure(ENABLE);
        path = rig.controller.openIoPath(rig.reactor);
    }

    private int run(TestRequest request, byte[] data) {
        int status = rig.run(path, request, data);
        long startNanos = System.nanoTime();
        while (status == NvmRequest.PENDING && request.completions() == 0) {
            path.poll(0);
            assertThat(System.nanoTime() - startNanos).as("still pending").isLessThan(60_000_000_000L);
        }
        return status == NvmRequest.PENDING ? request.status() : status;
    }

    private static byte[] filled(int blocks, int value) {
        var data = new byte[blocks * 512];
        Arrays.fill(data, (byte) value);
        return data;
    }

    private int write(long slba, int blocks, int value) {
        return run(TestRequest.blocks(NvmOpcode.WRITE, slba, blocks), filled(blocks, value));
    }

    private byte[] read(long slba, int blocks) {
        assertThat(run(TestRequest.blocks(NvmOpcode.READ, slba, blocks), filled(blocks, 0x55)))
                .isZero();
        return rig.data;
    }

    private long append(int zone, int blocks, int value) {
        var request = TestRequest.blocks(NvmOpcode.ZONE_APPEND, (long) zone * ZONE_BLOCKS, blocks);
        assertThat(run(request, filled(blocks, value))).isZero();
        return request.result;
    }

    private int manage(int action, int zone) {
        var request = Rig.command(NvmOpcode.ZONE_MANAGEMENT_SEND, 1, zone < 0 ? 0 : zone * ZONE_BLOCKS, 0);
        request.cdw13 = action | (zone < 0 ? Zone.SELECT_ALL : 0);
        return run(request, null);
    }

    private ZoneReport report(long slba, int descriptors, int cdw13) {
        var request = Rig.command(NvmOpcode.ZONE_MANAGEMENT_RECEIVE, 1, (int) slba, 0);
        request.cdw12 = 16 + descriptors * 16 - 1;
        request.cdw13 = cdw13;
        assertThat(run(request, null)).isZero();
        return ZoneReport.decode(rig.page());
    }

    private int state(int zone) {
        return report((long) zone * ZONE_BLOCKS, 1, 0).zones().getFirst().state();
    }

    private List<Integer> states(int count) {
        return report(0, count, 0).zones().stream()
                .map(ZoneReport.Descriptor::state)
                .toList();
    }

    @Test
    void saysWhatItIs() {
        memory(4, 8);

        var common = rig.identify(IdentifyCns.NAMESPACE, 1);
        assertThat(IdentifyNamespace.NSZE.get(common)).isEqualTo(ZONES * ZONE_BLOCKS);
        assertThat(IdentifyNamespace.NCAP.get(common)).isEqualTo(ZONES * CAPACITY);
        var command = Rig.command(0x06, 1, IdentifyCns.COMMAND_SET_NAMESPACE, IdentifyCns.CSI_ZONED << 24);
        assertThat(rig.admin(command)).isZero();
        assertThat(IdentifyZoned.MAR.get(rig.page())).isEqualTo(7);
        assertThat(IdentifyZoned.MOR.get(rig.page())).isEqualTo(3);
        assertThat(IdentifyZoned.zsze(0).get(rig.page())).isEqualTo(ZONE_BLOCKS);
        var identifiers = rig.identify(IdentifyCns.NAMESPACE_IDENTIFICATION_DESCRIPTORS, 1);
        assertThat(NamespaceIdentifiers.readFrom(identifiers, 0).csi()).hasValue(IdentifyCns.CSI_ZONED);
        assertThat(rig.identify(IdentifyCns.IO_COMMAND_SETS, 0).toArray(ValueLayout.JAVA_BYTE))
                .startsWith(5, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    @Test
    void hostsThatKnowOnlyNvmDoNotSeeIt() {
        memory(0, 0);
        rig.memory(2, 512, 1000);
        assertThat(active(IdentifyCns.ACTIVE_NAMESPACE_LIST, 0)).containsExactly(1, 2);
        assertThat(active(IdentifyCns.COMMAND_SET_ACTIVE_NAMESPACE_LIST, IdentifyCns.CSI_NVM))
                .containsExactly(2);
        assertThat(active(IdentifyCns.COMMAND_SET_ACTIVE_NAMESPACE_LIST, IdentifyCns.CSI_ZONED))
                .containsExactly(1);
        path.close();
        rig.controller.configure(0);
        rig.controller.configure(Rig.ENABLE);
        path = rig.controller.openIoPath(rig.reactor);

        assertThat(active(IdentifyCns.ACTIVE_NAMESPACE_LIST, 0)).containsExactly(2);
        assertThat(Status.code(path.admit(TestRequest.blocks(NvmOpcode.READ, 0, 1))))
                .isEqualTo(Status.INVALID_FIELD);
        var zoned = TestRequest.blocks(NvmOpcode.ZONE_APPEND, 0, 1);
        zoned.nsid = 2;
        assertThat(Status.code(path.admit(zoned))).isEqualTo(Status.INVALID_OPCODE);
    }

    private int[] active(int cns, int csi) {
        assertThat(rig.admin(Rig.command(0x06, 0, cns, csi << 24))).isZero();
        return NamespaceList.read(rig.page(), 0);
    }

    @Test
    void isWrittenInOrder() {
        memory(0, 0);

        assertThat(write(1, 1, 1)).isEqualTo(Status.ZONE_INVALID_WRITE | DNR);
        assertThat(state(0)).isEqualTo(Zone.EMPTY);
        assertThat(write(0, 2, 7)).isZero();
        assertThat(state(0)).isEqualTo(Zone.IMPLICITLY_OPENED);
        assertThat(write(0, 1, 1)).as("written already").isEqualTo(Status.ZONE_INVALID_WRITE | DNR);
        assertThat(write(2, 98, 8)).isZero();
        assertThat(state(0)).isEqualTo(Zone.FULL);
        assertThat(write(100, 1, 1)).isEqualTo(Status.ZONE_IS_FULL | DNR);
        assertThat(write(ZONE_BLOCKS, 101, 1)).as("beyond the capacity").isEqualTo(Status.ZONE_BOUNDARY_ERROR | DNR);
        assertThat(run(TestRequest.blocks(NvmOpcode.WRITE_ZEROES, ZONE_BLOCKS, 3), null))
                .isZero();
        assertThat(report(ZONE_BLOCKS, 1, 0).zones().getFirst().writePointer()).isEqualTo(ZONE_BLOCKS + 3);
        assertThat(report(0, 1, 0).zones().getFirst().writePointer()).isEqualTo(Zone.NO_WRITE_POINTER);
    }

    @Test
    void readsZeroesBehindTheWritePointer() {
        memory(0, 0);
        write(0, 2, 7);

        assertThat(read(0, 4)).isEqualTo(joined(filled(2, 7), filled(2, 0)));
        assertThat(read(50, 2)).containsOnly(0);
        assertThat(run(TestRequest.blocks(NvmOpcode.READ, 127, 2), null)).isEqualTo(Status.ZONE_BOUNDARY_ERROR | DNR);
        assertThat(run(TestRequest.blocks(NvmOpcode.COMPARE, 0, 3), joined(filled(2, 7), filled(1, 0))))
                .isZero();
        assertThat(run(TestRequest.blocks(NvmOpcode.COMPARE, 0, 3), filled(3, 7)))
                .isEqualTo(Status.COMPARE_FAILURE | DNR);
        assertThat(run(TestRequest.blocks(NvmOpcode.VERIFY, 0, 100), null)).isZero();
        assertThat(manage(Zone.FINISH, 0)).isZero();
        assertThat(read(0, 4)).as("a full zone").isEqualTo(joined(filled(2, 7), filled(2, 0)));
    }

    private static byte[] joined(byte[] first, byte[] second) {
        var both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    @Test
    void appendsWhereThePointerStands() {
        memory(0, 0);

        assertThat(append(3, 2, 1)).isEqualTo(3 * ZONE_BLOCKS);
        assertThat(append(3, 5, 2)).isEqualTo(3 * ZONE_BLOCKS + 2);
        assertThat(read(3 * ZONE_BLOCKS + 2, 5)).containsOnly(2);
        assertThat(run(TestRequest.blocks(NvmOpcode.ZONE_APPEND, 3 * ZONE_BLOCKS + 7, 1), filled(1, 1)))
                .as("not the beginning of a zone")
                .isEqualTo(Status.INVALID_FIELD | DNR);
        assertThat(run(TestRequest.blocks(NvmOpcode.ZONE_APPEND, 3 * ZONE_BLOCKS, 94), filled(94, 1)))
                .isEqualTo(Status.ZONE_BOUNDARY_ERROR | DNR);
        var remapped = TestRequest.blocks(NvmOpcode.ZONE_APPEND, 3 * ZONE_BLOCKS, 1);
        remapped.cdw12 |= 1 << 25;
        assertThat(path.admit(remapped)).isEqualTo(Status.INVALID_FIELD | DNR);
    }

    @Test
    void zonesGoThroughTheirStates() {
        memory(0, 0);
        int refused = Status.INVALID_ZONE_STATE_TRANSITION | DNR;

        assertThat(manage(Zone.CLOSE, 0)).as("close an empty zone").isEqualTo(refused);
        assertThat(manage(Zone.RESET, 0)).as("reset an empty zone").isZero();
        assertThat(manage(Zone.OPEN, 0)).isZero();
        assertThat(state(0)).isEqualTo(Zone.EXPLICITLY_OPENED);
        write(0, 1, 1);
        assertThat(state(0)).as("stays").isEqualTo(Zone.EXPLICITLY_OPENED);
        assertThat(manage(Zone.CLOSE, 0)).isZero();
        assertThat(state(0)).isEqualTo(Zone.CLOSED);
        assertThat(manage(Zone.SET_OFFLINE, 0)).isEqualTo(refused);
        assertThat(write(1, 1, 1)).isZero();
        assertThat(state(0)).isEqualTo(Zone.IMPLICITLY_OPENED);
        assertThat(manage(Zone.FINISH, 0)).isZero();
        assertThat(state(0)).isEqualTo(Zone.FULL);
        assertThat(manage(Zone.OPEN, 0)).isEqualTo(refused);
        assertThat(manage(Zone.CLOSE, 0)).isEqualTo(refused);
        assertThat(manage(Zone.FINISH, 0)).isZero();
        assertThat(manage(Zone.RESET, 0)).isZero();
        assertThat(state(0)).isEqualTo(Zone.EMPTY);
        assertThat(write(0, 1, 9)).isZero();
        assertThat(read(1, 1)).as("of before the reset").containsOnly(0);
        assertThat(manage(0x20, 0)).as("no such action").isEqualTo(Status.INVALID_FIELD | DNR);
        var within = Rig.command(NvmOpcode.ZONE_MANAGEMENT_SEND, 1, 5, 0);
        within.cdw13 = Zone.OPEN;
        assertThat(run(within, null)).as("within a zone").isEqualTo(Status.INVALID_FIELD | DNR);
    }

    @Test
    void zonesThatCannotBeWrittenAreReadOnlyAndThenOffline() {
        memory(0, 0);
        write(0, 1, 7);
        var table = rig.subsystem.namespace(1).zones().table();
        table.beginWrite(0, 1, 1);
        table.endWrite(0, true);

        assertThat(state(0)).isEqualTo(Zone.READ_ONLY);
        assertThat(write(2, 1, 1)).isEqualTo(Status.ZONE_IS_READ_ONLY | DNR);
        assertThat(read(0, 1)).containsOnly(7);
        assertThat(manage(Zone.RESET, 0)).isEqualTo(Status.INVALID_ZONE_STATE_TRANSITION | DNR);
        assertThat(manage(Zone.SET_OFFLINE, -1)).isZero();
        assertThat(state(0)).isEqualTo(Zone.OFFLINE);
        assertThat(write(2, 1, 1)).isEqualTo(Status.ZONE_IS_OFFLINE | DNR);
        assertThat(run(TestRequest.blocks(NvmOpcode.READ, 0, 1), null)).isEqualTo(Status.ZONE_IS_OFFLINE | DNR);
    }

    @Test
    void keepsToItsResources() {
        memory(2, 3);

        write(0, 1, 1);
        write(ZONE_BLOCKS, 1, 1);
        assertThat(write(2 * ZONE_BLOCKS, 1, 1)).isZero();
        assertThat(states(3))
                .as("the zone that was opened first is closed")
                .containsExactly(Zone.CLOSED, Zone.IMPLICITLY_OPENED, Zone.IMPLICITLY_OPENED);
        assertThat(write(3 * ZONE_BLOCKS, 1, 1)).isEqualTo(Status.TOO_MANY_ACTIVE_ZONES | DNR);
        assertThat(manage(Zone.OPEN, 1)).isZero();
        assertThat(manage(Zone.OPEN, 2)).isZero();
        assertThat(write(1, 1, 1)).as("nothing that could be closed").isEqualTo(Status.TOO_MANY_OPEN_ZONES | DNR);
        assertThat(manage(Zone.OPEN, -1)).isEqualTo(Status.TOO_MANY_OPEN_ZONES | DNR);
        assertThat(manage(Zone.CLOSE, -1)).isZero();
        assertThat(states(3)).containsOnly(Zone.CLOSED);
        assertThat(manage(Zone.OPEN, -1)).as("three, and two can be open").isEqualTo(Status.TOO_MANY_OPEN_ZONES | DNR);
        assertThat(manage(Zone.FINISH, 0)).isZero();
        assertThat(manage(Zone.OPEN, -1)).isZero();
        assertThat(states(3)).containsExactly(Zone.FULL, Zone.EXPLICITLY_OPENED, Zone.EXPLICITLY_OPENED);
        assertThat(manage(Zone.RESET, -1)).isZero();
        assertThat(states(ZONES)).containsOnly(Zone.EMPTY);
    }

    @Test
    void reportsWhatIsAskedFor() {
        memory(0, 0);
        write(2 * ZONE_BLOCKS, 1, 1);
        manage(Zone.FINISH, 4);
        manage(Zone.FINISH, 5);
        int full = Zone.FILTER_FULL << Zone.FILTER_SHIFT;

        assertThat(report(0, 4, 0).zoneCount()).isEqualTo(ZONES);
        assertThat(report(0, 4, 0).zones()).hasSize(4);
        assertThat(report(0, 4, Zone.PARTIAL).zoneCount()).isEqualTo(4);
        assertThat(report(ZONE_BLOCKS + 5, 32, 0).zones().getFirst().start())
                .as("the zone the block is in")
                .isEqualTo(ZONE_BLOCKS);
        assertThat(report(0, 32, full).zones())
                .extracting(ZoneReport.Descriptor::start)
                .containsExactly(4L * ZONE_BLOCKS, 5L * ZONE_BLOCKS);
        assertThat(report(5 * ZONE_BLOCKS, 32, full).zoneCount()).isEqualTo(1);
        var descriptor = report(2 * ZONE_BLOCKS, 1, 0).zones().getFirst();
        assertThat(descriptor)
                .isEqualTo(new ZoneReport.Descriptor(
                        Zone.IMPLICITLY_OPENED, 0, CAPACITY, 2 * ZONE_BLOCKS, 2 * ZONE_BLOCKS + 1));
        var extended = Rig.command(NvmOpcode.ZONE_MANAGEMENT_RECEIVE, 1, 0, 0);
        extended.cdw12 = 31;
        extended.cdw13 = Zone.EXTENDED_REPORT;
        assertThat(run(extended, null)).as("there are no extensions").isEqualTo(Status.INVALID_FIELD | DNR);
        extended.cdw13 = 8 << Zone.FILTER_SHIFT;
        assertThat(run(extended, null)).as("no such filter").isEqualTo(Status.INVALID_FIELD | DNR);
    }

    @Test
    void whatReactorsAppendAtTheSameTimeDoesNotMeet() throws Exception {
        memory(0, 0);
        var zoned = (ZonedNamespace) rig.subsystem.namespace(1).namespace();
        Callable<List<Long>> appender = () -> {
            var places = new ArrayList<Long>();
            var reactor = HandReactor.byHand("appender");
            var session = zoned.open(reactor);
            for (int zone = 0; zone < ZONES; zone++) {
                while (true) {
                    var request = TestRequest.blocks(NvmOpcode.ZONE_APPEND, (long) zone * ZONE_BLOCKS, 2)
                            .with(new byte[1024]);
                    request.dataBytes = 1024;
                    int status = session.submit(request);
                    if (status != Status.SUCCESS) {
                        assertThat(Status.code(status)).isEqualTo(Status.ZONE_IS_FULL);
                        break;
                    }
                    places.add(request.result);
                }
            }
            session.close();
            reactor.close();
            return places;
        };
        var all = new TreeSet<Long>();
        int count = 0;
        try (var threads = Executors.newFixedThreadPool(2)) {
            for (var places : threads.invokeAll(List.of(appender, appender))) {
                all.addAll(places.get());
                count += places.get().size();
            }
        }

        assertThat(all).as("each block once").hasSize(count).hasSize(ZONES * CAPACITY / 2);
        assertThat(states(ZONES)).containsOnly(Zone.FULL);
    }

    /** What a crash at this moment would leave: the files as they are. */
    private Path crashed(Path image) throws IOException {
        Path copy = Files.createTempDirectory(directory, "crash");
        try (Stream<Path> files = Files.list(image.getParent())) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, copy.resolve(file.getFileName()));
            }
        }
        return copy.resolve(image.getFileName());
    }

    private void reopen(Path image) {
        path.close();
        rig.close();
        rig = new Rig();
        file(image);
    }

    @Test
    void whatWasFlushedIsBelowThePointerAfterACrash() throws IOException {
        Path image = directory.resolve("zoned.img");
        file(image);
        write(0, 3, 1);
        manage(Zone.OPEN, 1);
        assertThat(run(Rig.command(NvmOpcode.FLUSH, 1, 0, 0), null)).isZero();
        assertThat(run(
                        TestRequest.blocks(NvmOpcode.ZONE_APPEND, 2 * ZONE_BLOCKS, 2)
                                .fua(),
                        filled(2, 5)))
                .isZero();
        manage(Zone.FINISH, 3);
        write(4 * ZONE_BLOCKS, 1, 1);

        reopen(crashed(image));

        assertThat(states(5))
                .as("open zones are closed, and empty where nothing was written; what was not flushed may be gone")
                .containsExactly(Zone.CLOSED, Zone.EMPTY, Zone.CLOSED, Zone.FULL, Zone.EMPTY);
        assertThat(read(0, 3)).containsOnly(1);
        assertThat(read(2 * ZONE_BLOCKS, 2)).containsOnly(5);
        assertThat(append(0, 1, 9)).isEqualTo(3);
    }

    @Test
    void aResetIsThereAfterACrash() throws IOException {
        Path image = directory.resolve("zoned.img");
        file(image);
        write(0, 3, 1);
        assertThat(run(Rig.command(NvmOpcode.FLUSH, 1, 0, 0), null)).isZero();
        assertThat(manage(Zone.RESET, -1)).isZero();

        reopen(crashed(image));

        assertThat(state(0)).isEqualTo(Zone.EMPTY);
        assertThat(write(0, 1, 2)).isZero();
        assertThat(read(0, 3)).isEqualTo(joined(filled(1, 2), filled(2, 0)));
    }

    @Test
    void aResetWaitsForWhatIsBeingWritten() throws Exception {
        memory(0, 0);
        var table = rig.subsystem.namespace(1).zones().table();
        assertThat(table.beginWrite(0, 0, 1)).isZero();
        var reset = Rig.command(NvmOpcode.ZONE_MANAGEMENT_SEND, 1, 0, 0);
        reset.cdw13 = Zone.RESET;
        assertThat(rig.run(path, reset)).isEqualTo(NvmRequest.PENDING);
        for (int i = 0; i < 100; i++) {
            path.poll(0);
        }
        assertThat(reset.completions()).isZero();
        assertThat(write(1, 1, 1)).as("meanwhile").isEqualTo(Status.ZONE_INVALID_WRITE | DNR);

        table.endWrite(0, false);
        long startNanos = System.nanoTime();
        while (reset.completions() == 0) {
            path.poll(0);
            assertThat(System.nanoTime() - startNanos).isLessThan(60_000_000_000L);
        }

        assertThat(reset.status()).isZero();
        assertThat(state(0)).isEqualTo(Zone.EMPTY);
    }

    @Test
    void aPathThatEndsLeavesNoZoneInTheMiddle() throws Exception {
        memory(0, 0);
        var table = rig.subsystem.namespace(1).zones().table();
        write(0, 1, 1);
        assertThat(table.beginWrite(0, 1, 1)).isEqualTo(1);
        var reset = Rig.command(NvmOpcode.ZONE_MANAGEMENT_SEND, 1, 0, 0);
        reset.cdw13 = Zone.RESET;
        assertThat(rig.run(path, reset)).isEqualTo(NvmRequest.PENDING);

        path.close();
        table.endWrite(0, false);

        long startNanos = System.nanoTime();
        while (table.state(0) != Zone.EMPTY) {
            Thread.onSpinWait();
            assertThat(System.nanoTime() - startNanos).isLessThan(60_000_000_000L);
        }
        path = rig.controller.openIoPath(rig.reactor);
        assertThat(write(0, 1, 2)).isZero();
    }

    @Test
    void everyIoCommandThatIsListedForZonesIsKnownAndNoOther() {
        memory(0, 0);
        var get = rig.getLogPage(
                LogPageId.COMMANDS_SUPPORTED_AND_EFFECTS, CommandsSupportedAndEffects.SIZE_BYTES, 0, false);
        get.cdw14 = IdentifyCns.CSI_ZONED << 24;
        assertThat(rig.admin(get)).isZero();
        var page = rig.page();

        for (int opc = 0; opc <= 0xFF; opc++) {
            int status = path.admit(TestRequest.blocks(opc, 0, 1));
            assertThat(Status.code(status) == Status.INVALID_OPCODE)
                    .as(NvmOpcode.name(opc))
                    .isEqualTo(CommandsSupportedAndEffects.io(page, 0, opc) == 0);
        }
    }

    private int format(int lbaFormat, int secureErase) {
        var request = Rig.command(AdminOpcode.FORMAT_NVM, 1, lbaFormat | secureErase << 9, 0);
        assertThat(rig.admin(request)).isEqualTo(NvmRequest.PENDING);
        long startNanos = System.nanoTime();
        while (request.completions() == 0) {
            path.poll(0);
            rig.controller.adminPath().poll(0);
            assertThat(System.nanoTime() - startNanos).as("still pending").isLessThan(60_000_000_000L);
        }
        return Status.code(request.status());
    }

    @Test
    void aFormatThatIsRefusedErasesNothing() {
        memory(0, 0);
        write(0, 2, 7);

        assertThat(format(1, FormatSettings.USER_DATA_ERASE)).isEqualTo(Status.OPERATION_DENIED);

        assertThat(read(0, 2)).containsOnly(7);
        assertThat(state(0)).isNotEqualTo(Zone.EMPTY);
    }

    @Test
    void aFormatEmptiesAllZones() {
        file(directory.resolve("z.img"));
        write(0, 2, 7);
        append(3, 1, 8);

        assertThat(format(0, FormatSettings.NO_ERASE)).isZero();

        assertThat(states(ZONES)).containsOnly(Zone.EMPTY);
        assertThat(read(0, 2)).containsOnly(0);
        assertThat(append(0, 1, 9)).isZero();
    }

    @Test
    void aResetThatWaitsForWritesTakesNothingYet() throws Exception {
        memory(0, 0);
        var layout = new ZoneLayout(7, CAPACITY, ZONES, 0, 0);
        var table = new ZoneTable(layout);
        var file = directory.resolve("zones");
        var uuid = UUID.randomUUID();
        var store = new ZoneStore(file, uuid);
        table.beginWrite(0, -1, 4);
        table.endWrite(0, false);
        table.beginWrite(0, -1, 1);

        int[] zones = table.beginReset(0);
        boolean inTime = table.awaitWritten(zones, 1);
        // As the Flush of another host does.
        store.save(table);
        var meanwhile = new ZoneTable(layout);
        new ZoneStore(file, uuid).load(meanwhile);
        table.endWrite(0, false);
        boolean afterwards = table.awaitWritten(zones, 1);
        store.save(table);
        var then = new ZoneTable(layout);
        new ZoneStore(file, uuid).load(then);

        assertThat(inTime).isFalse();
        assertThat(meanwhile.readable(0)).isEqualTo(5);
        assertThat(afterwards).isTrue();
        assertThat(then.readable(0)).isZero();
    }

    @Test
    void damagedOrForeignZonesAreRefused() throws IOException {
        Path image = directory.resolve("zoned.img");
        file(image);
        write(0, 3, 1);
        Path copy = crashed(image);
        Path zones = copy.resolveSibling("zoned.img.zones");
        byte[] content = Files.readAllBytes(zones);
        content[60] ^= 1;
        Files.write(zones, content);
        var backend = new FileBackend(copy.getParent(), 1);
        var spec = new NamespaceSpec("file", BYTES, 512, "zoned.img");

        try (var blocks = backend.open(spec)) {
            assertThatThrownBy(() -> new ZonedNamespace(blocks, new ZoneOptions(ZONE_BLOCKS * 512, 512, 0, 0)))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining("damaged");
        }
    }

    @Test
    void optionsAreChecked() {
        assertThat(ZoneOptions.parse("zoned=16MiB;capacity=12MiB;open=8;active=12"))
                .isEqualTo(new ZoneOptions(16 << 20, 12 << 20, 8, 12));
        assertThat(ZoneOptions.parse("zoned=16MiB")).isEqualTo(new ZoneOptions(16 << 20, 16 << 20, 0, 0));
        for (var wrong : List.of(
                "zoned=3MiB",
                "zoned=16",
                "capacity=1MiB",
                "zoned=1MiB;capacity=2MiB",
                "zoned=1MiB;open=9;active=8",
                "zoned=1MiB;open=x",
                "zoned=1MiB;shape=round",
                "zoned=",
                "zoned=1MiB;open=-1")) {
            assertThatIllegalArgumentException().as(wrong).isThrownBy(() -> ZoneOptions.parse(wrong));
        }
        var shape = new MemoryBackend().open(new NamespaceSpec("memory", 3 << 20, 4096, ""));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ZonedNamespace(shape, ZoneOptions.parse("zoned=2MiB")))
                .withMessageContaining("whole number");
        shape.close();
        path = rig.controller.openIoPath(rig.reactor);
    }

    @Test
    void configurationSpellsIt() {
        var settings = SubsystemSettings.parse(
                Rig.NQN, "1", "m", new String[] {"1=memory:256MiB:4096;zoned=16MiB;open=4", "2=null:1GiB:512"}, 0);

        assertThat(settings.namespaces().get(1).toString()).isEqualTo("memory:256MiB:4096");
        assertThat(settings.options()).containsOnlyKeys(1);
        assertThat(settings.options(1).zones().maxOpen()).isEqualTo(4);
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        SubsystemSettings.parse(Rig.NQN, "1", "m", new String[] {"1=memory:256MiB:4096;zoned=5"}, 0))
                .withMessageContaining("1=memory");
        path = rig.controller.openIoPath(rig.reactor);
    }
}
