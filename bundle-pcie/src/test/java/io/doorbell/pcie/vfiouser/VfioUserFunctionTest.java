package io.doorbell.pcie.vfiouser;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.pci.PciIdentity;
import io.doorbell.platform.Machine;
import io.doorbell.platform.MemoryView;
import io.doorbell.platform.NativeMemory;
import io.doorbell.platform.UnixListener;
import io.doorbell.vfiouser.DeviceDirectory;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class VfioUserFunctionTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    @TempDir
    Path directory;

    private DeviceRig device;

    /** Memory that an earlier test left mapped is not held against this one. */
    private int mapped;

    private int dmaMapped;

    @BeforeEach
    void start() {
        mapped = ProcessState.mappings("");
        dmaMapped = ProcessState.mappings("doorbell-dma");
        device = new DeviceRig(directory);
    }

    @AfterEach
    void stop() {
        device.close();
    }

    private VfioUserFunction connect() {
        return VfioUserFunction.connect(directory, BOUND);
    }

    @Test
    void isFoundByItsDirectory() {
        try (var function = connect()) {
            assertThat(function.address()).isEqualTo(directory.toString());
            assertThat(function.transport()).isEqualTo("VFIOUSER");
            assertThat(function.identity())
                    .isEqualTo(new PciIdentity(0x1B36, 0x0010, 0x1AF4, 0x1100, 2, PciIdentity.NVME_CLASS_CODE));
            assertThat(function.endedFor()).isNull();
        }
    }

    @Test
    void sharesRegistersWithTheDevice() {
        try (var function = connect();
                var access = function.open("test")) {
            assertThat(access.readRegister32(Registers.VS)).isEqualTo(0x0002_0000);
            access.writeRegister64(Registers.ASQ, 0x1234_5000);
            access.writeRegister32(Registers.AQA, 0x0007_0007);

            assertThat(access.readRegister64(Registers.ASQ)).isEqualTo(0x1234_5000);
            assertThat(access.readRegister32(Registers.AQA)).isEqualTo(0x0007_0007);
            assertThat(access.doorbells().byteSize()).isEqualTo(4096);
            assertThat(access.wantsDoorbellSignal()).isTrue();
            assertThatThrownBy(() -> access.readRegister32(2)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void isClaimedByOneDriverAndResetForTheNext() {
        try (var function = connect()) {
            try (var access = function.open("first")) {
                access.writeRegister64(Registers.ASQ, 0x1234_5000);

                assertThatThrownBy(() -> function.open("second"))
                        .isInstanceOf(PciException.class)
                        .hasMessageContaining("claimed by first");
            }
            try (var access = function.open("second")) {
                assertThat(access.readRegister64(Registers.ASQ)).isZero();
            }
        }
    }

    @Test
    void isThereAgainAtOnceForWhoHasJustLeft() {
        for (int i = 0; i < 200; i++) {
            connect().close();
        }
    }

    @Test
    void saysThatNobodyListens() {
        assertThatThrownBy(() -> VfioUserFunction.connect(directory.resolve("nowhere"), BOUND))
                .isInstanceOf(PciException.class)
                .hasMessageContainingAll("nowhere is not reachable", "ENOENT");
    }

    @Test
    void doesNotWaitForeverForWhomeverListens() throws Exception {
        var silent = directory.resolve("silent");
        java.nio.file.Files.createDirectories(silent);
        try (var listener = UnixListener.listen(silent.resolve(DeviceDirectory.SOCKET), 1)) {
            assertThat(listener.path()).exists();
            assertThatThrownBy(() -> VfioUserFunction.connect(silent, Duration.ofMillis(20)))
                    .isInstanceOf(PciException.class)
                    .hasMessageContaining("no answer to VERSION");
        }
    }

    @Test
    void allocatesMemoryThatTheDeviceMaps() {
        try (var function = connect();
                var access = function.open("test")) {
            var small = access.allocate(5_000);
            var large = access.allocate(3 * Machine.HUGE_PAGE_BYTES);

            assertThat(small.segment().byteSize()).isEqualTo(8_192);
            assertThat(large.segment().address() % Machine.HUGE_PAGE_BYTES).isZero();
            assertThat(large.iova() % Machine.HUGE_PAGE_BYTES).isZero();
            assertThat(ProcessState.mappings("doorbell-dma"))
                    .as("one file, mapped here and by the device")
                    .isEqualTo(dmaMapped + 2);
            small.close();
            small.close();
            large.close();
        }
        ProcessState.await(() -> ProcessState.mappings("doorbell-dma") <= dmaMapped);
    }

    @Test
    void blocksAreApartFromEachOtherAndFullOfZeros() {
        var random = new Random(5);
        try (var function = connect();
                var access = function.open("test")) {
            var blocks = new ArrayList<PciAccess.DmaBlock>();
            for (int i = 0; i < 400; i++) {
                if (random.nextInt(3) > 0 || blocks.isEmpty()) {
                    var block = access.allocate(1L + random.nextInt(random.nextInt(8) == 0 ? 6 << 20 : 100_000));
                    long last = block.segment().byteSize() - 8;
                    assertThat(block.segment().get(JAVA_LONG, 0)).isZero();
                    assertThat(block.segment().get(JAVA_LONG, last)).isZero();
                    for (var other : blocks) {
                        assertThat(block.iova()
                                                >= other.iova()
                                                        + other.segment().byteSize()
                                        || other.iova()
                                                >= block.iova()
                                                        + block.segment().byteSize())
                                .isTrue();
                    }
                    block.segment().set(JAVA_LONG, 0, -1L);
                    block.segment().set(JAVA_LONG, last, -1L);
                    blocks.add(block);
                } else {
                    blocks.remove(random.nextInt(blocks.size())).close();
                }
            }
            blocks.forEach(PciAccess.DmaBlock::close);

            assertThat(ProcessState.mappings("doorbell-dma"))
                    .as("all but one file were given back")
                    .isEqualTo(dmaMapped + 2);
        }
    }

    @Test
    void privateMemoryCannotBeMapped() {
        try (var function = connect();
                var access = function.open("test");
                var memory = NativeMemory.allocate(4096)) {
            assertThatThrownBy(() -> access.map(memory.segment()))
                    .isInstanceOf(PciException.class)
                    .hasMessageContaining("allocated for it");
        }
    }

    @Test
    void aDeviceThatDiesIsRemovedAndHarmless() throws Exception {
        var told = new CopyOnWriteArrayList<String>();
        try (var function = connect();
                var access = function.open("test")) {
            access.onRemoval(told::add);
            var block = access.allocate(4096);

            device.server.close();
            function.awaitEnd();

            ProcessState.await(() -> !told.isEmpty());
            assertThat(told).containsExactly(function.endedFor());
            assertThat(access.removed()).isTrue();
            assertThat(access.readRegister32(Registers.CSTS)).isEqualTo(Registers.GONE);
            assertThat(access.readRegister64(Registers.CAP)).isEqualTo(-1L);
            access.writeRegister32(Registers.CC, 0);
            access.doorbells().set(JAVA_INT, 0, 17);
            access.doorbellStored();
            block.segment().set(JAVA_LONG, 0, 1L);
            block.close();
            var late = new ArrayList<String>();
            access.onRemoval(late::add);
            assertThat(late).as("told once, to whoever asked first").isEmpty();
            assertThatThrownBy(() -> access.allocate(1 << 30)).isInstanceOf(PciException.class);
        }
        ProcessState.await(() -> ProcessState.mappings("") <= mapped);
    }

    @Test
    void whoAsksForTheRemovalLaterIsToldAtOnce() throws Exception {
        try (var function = connect();
                var access = function.open("test")) {
            device.server.close();
            function.awaitEnd();
            var told = new ArrayList<String>();

            access.onRemoval(told::add);

            assertThat(told).hasSize(1);
            assertThatThrownBy(() -> function.open("again"))
                    .isInstanceOf(PciException.class)
                    .hasMessageContaining("is gone");
        }
    }

    @Test
    void viewsOutliveTheClaimAndTheMemoryGoesWithThem() {
        var arena = Arena.ofShared();
        PciAccess.DmaBlock block;
        try (var function = connect()) {
            var access = function.open("test");
            block = access.allocate(4096);
            var doorbell = MemoryView.within(access.doorbells().asSlice(0, 4), arena);
            var ring = MemoryView.within(block.segment(), arena);
            access.close();

            doorbell.set(JAVA_INT, 0, 5);
            ring.set(JAVA_LONG, 0, 5L);
        }
        arena.close();
        block.close();

        ProcessState.await(() -> ProcessState.mappings("") <= mapped);
    }

    @Test
    void leavesNothingBehind() {
        int open = ProcessState.openDescriptors();
        for (int i = 0; i < 5; i++) {
            try (var function = connect();
                    var access = function.open("test")) {
                access.allocate(4096).close();
            }
        }

        ProcessState.await(() -> ProcessState.openDescriptors() <= open);
        ProcessState.await(() -> ProcessState.mappings("") <= mapped);
    }
}
