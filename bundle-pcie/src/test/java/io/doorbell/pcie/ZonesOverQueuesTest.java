package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.ZoneCommands;
import io.doorbell.host.ZoneGeometry;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.Zone;
import io.doorbell.nvme.ZoneReport;
import io.doorbell.storage.NamespaceSpec;
import java.util.HashSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A zoned namespace from the driver's end: bring-up, commands, and queues of two controllers that append to one zone. */
class ZonesOverQueuesTest {
    private static final int NSID = 7;
    private static final int ZONE_BLOCKS = 2048;
    private static final int REPORT = 0;
    private static final int BLOCK = 65_536;

    private final EmulatedRig rig = new EmulatedRig();
    private final EmulatedFunction otherFunction =
            EmulatedFunction.create(EmulatorSettings.of("nvme1"), rig.subsystem, rig.reactors);
    private final Host host;

    ZonesOverQueuesTest() {
        rig.subsystem.addNamespace(
                NSID, new MemoryBackend().open(NamespaceSpec.parse("memory:16MiB:512")), "zoned=1MiB;open=4;active=6");
        host = new Host(rig.function);
    }

    @AfterEach
    void close() {
        host.close();
        otherFunction.close();
        rig.close();
    }

    private static final class Host implements AutoCloseable {
        private final PcieController controller;
        private final EmulatedRig.Held held;
        private final NvmCommand command = new NvmCommand();
        private final HashSet<Long> places = new HashSet<>();
        private int ended;
        private int status;
        private long result;

        Host(EmulatedFunction function) {
            controller = PcieController.open(function, PcieOptions.DEFAULTS);
            held = new EmulatedRig.Held(controller, 64, 1 << 20, (token, status, result) -> {
                this.status = Status.code(status);
                this.result = result;
                if (status == 0) {
                    places.add(result);
                }
                ended++;
            });
        }

        int run(int staged) {
            assertThat(staged).isGreaterThanOrEqualTo(0);
            int before = ended;
            held.pair.commit();
            held.pollUntil(() -> ended > before);
            return status;
        }

        int append(long zoneStart, int blocks) {
            ZoneCommands.append(command, NSID, zoneStart, blocks, 0);
            return held.pair.submit(command, held.data, BLOCK, blocks * 512, 1);
        }

        int manage(long zoneStart, int action) {
            return run(held.pair.submit(ZoneCommands.manage(command, NSID, zoneStart, action), null, 0, 0, 1));
        }

        ZoneReport report(int filter) {
            ZoneCommands.report(command, NSID, 0, 4096, filter, false);
            assertThat(run(held.pair.submit(command, held.data, REPORT, 4096, 1)))
                    .isZero();
            return ZoneReport.decode(held.data.segment().asSlice(REPORT, 4096));
        }

        @Override
        public void close() {
            held.close();
            controller.close();
        }
    }

    @Test
    void theDriverFindsItAndSaysHowItIsDivided() {
        var namespaces = host.controller.namespaces();

        assertThat(namespaces).hasSize(3);
        assertThat(namespaces.getFirst().zones()).as("memory").isEmpty();
        assertThat(namespaces.getLast().nsid()).isEqualTo(NSID);
        assertThat(namespaces.getLast().zones())
                .hasValue(new ZoneGeometry(
                        ZONE_BLOCKS, 4, 6, host.controller.info().maxTransferBytes()));
        assertThat(namespaces.getLast().zones().get().start(ZONE_BLOCKS + 5)).isEqualTo(ZONE_BLOCKS);
    }

    @Test
    void zonesAreWrittenAppendedToReportedAndReset() {
        assertThat(host.run(host.held.pair.write(NSID, ZONE_BLOCKS, 2, host.held.data, BLOCK, 0, 1)))
                .isZero();
        assertThat(host.run(host.append(ZONE_BLOCKS, 3))).isZero();
        assertThat(host.result).isEqualTo(ZONE_BLOCKS + 2);
        assertThat(host.run(host.held.pair.write(NSID, ZONE_BLOCKS, 2, host.held.data, BLOCK, 0, 1)))
                .isEqualTo(Status.ZONE_INVALID_WRITE);
        assertThat(host.report(Zone.FILTER_ALL).zoneCount()).isEqualTo(16);
        assertThat(host.report(Zone.FILTER_IMPLICITLY_OPENED).zones())
                .singleElement()
                .isEqualTo(new ZoneReport.Descriptor(
                        Zone.IMPLICITLY_OPENED, 0, ZONE_BLOCKS, ZONE_BLOCKS, ZONE_BLOCKS + 5));
        assertThat(host.manage(ZONE_BLOCKS, Zone.FINISH)).isZero();
        assertThat(host.run(host.append(ZONE_BLOCKS, 1))).isEqualTo(Status.ZONE_IS_FULL);
        assertThat(host.manage(ZONE_BLOCKS, Zone.RESET)).isZero();
        assertThat(host.report(Zone.FILTER_EMPTY).zoneCount()).isEqualTo(16);
        assertThat(host.run(
                        host.held.pair.submit(ZoneCommands.manageAll(host.command, NSID, Zone.CLOSE), null, 0, 0, 1)))
                .isZero();
    }

    @Test
    void appendsOfTwoControllersDoNotMeet() {
        try (var other = new Host(otherFunction)) {
            int each = 200;
            for (int i = 0; i < each; i++) {
                for (var one : new Host[] {host, other}) {
                    while (one.append(0, 4) < 0) {
                        one.held.pair.commit();
                        one.held.pair.poll(16);
                    }
                }
            }
            for (var one : new Host[] {host, other}) {
                one.held.pair.commit();
                one.held.pollUntil(() -> one.held.pair.inFlight() == 0);
                assertThat(one.status).isZero();
            }

            host.places.addAll(other.places);
            assertThat(host.places).hasSize(2 * each).allMatch(slba -> slba % 4 == 0 && slba < 8 * each);
        }
    }
}
