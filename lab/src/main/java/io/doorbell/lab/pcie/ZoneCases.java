package io.doorbell.lab.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.ZoneCommands;
import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.guest.Lane;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.Zone;
import io.doorbell.nvme.ZoneReport;
import java.nio.file.Path;
import java.util.List;

/** A zoned namespace: its zones as the kernel sees them, and what may be done to them. */
final class ZoneCases {
    private static final int REPORT_BYTES = 4096;

    /** Of one write or append here. */
    private static final int BLOCKS = 8;

    private ZoneCases() {}

    static List<Case> cases() {
        return List.of(Case.of("zoned-namespace", ZoneCases::zones));
    }

    private static void zones(Guest guest) throws Exception {
        NvmeNamespace namespace;
        long zoneCount;
        try (var ours = Controllers.open(Slot.ZONED);
                var lane = new Lane(ours)) {
            namespace = Controllers.namespace(ours, 1);
            var zones = new Zones(lane, namespace);
            zones.sequentialOnly();
            zones.append();
            zones.states();
            zoneCount = zones.report().zoneCount();
        }
        Bus.toKernel(Slot.ZONED);
        var queue = Path.of("/sys/class/block")
                .resolve(Path.of(Bus.disk(Slot.ZONED)).getFileName())
                .resolve("queue");
        assertThat(Bus.read(queue.resolve("zoned"))).isEqualTo("host-managed");
        assertThat(Bus.read(queue.resolve("nr_zones"))).isEqualTo(String.valueOf(zoneCount));
        long zoneBytes = namespace.zones().orElseThrow().zoneBlocks() * namespace.blockBytes();
        assertThat(Bus.read(queue.resolve("chunk_sectors"))).isEqualTo(String.valueOf(zoneBytes / 512));
    }

    /** The zones of one namespace. */
    private static final class Zones {
        private final Lane lane;
        private final NvmeNamespace namespace;
        private final long zoneBlocks;
        private final NvmCommand command = new NvmCommand();

        Zones(Lane lane, NvmeNamespace namespace) {
            this.lane = lane;
            this.namespace = namespace;
            zoneBlocks = namespace.zones().orElseThrow().zoneBlocks();
        }

        private long start(int zone) {
            return zone * zoneBlocks;
        }

        ZoneReport report() {
            ZoneCommands.report(command, namespace.nsid(), 0, REPORT_BYTES, Zone.FILTER_ALL, false);
            assertThat(lane.execute(() -> lane.queuePair().submit(command, lane.memory(), 0, REPORT_BYTES, 0)))
                    .as("report")
                    .isZero();
            return ZoneReport.decode(lane.memory().segment().asSlice(0, REPORT_BYTES));
        }

        private int manage(int zone, int action) {
            ZoneCommands.manage(command, namespace.nsid(), start(zone), action);
            return lane.execute(() -> lane.queuePair().submit(command, null, 0, 0, 0));
        }

        private int state(int zone) {
            return report().zones().get(zone).state();
        }

        void sequentialOnly() {
            lane.fill(1, 0, BLOCKS * 2L * namespace.blockBytes());
            assertThat(lane.write(namespace, start(1), BLOCKS, 0)).isZero();
            assertThat(lane.write(namespace, start(1) + BLOCKS + 1, BLOCKS, 0))
                    .as("write past the write pointer")
                    .isEqualTo(Status.ZONE_INVALID_WRITE);
            assertThat(lane.write(namespace, start(1) + BLOCKS, BLOCKS, (long) BLOCKS * namespace.blockBytes()))
                    .isZero();
            lane.memory().segment().fill((byte) 0);
            assertThat(lane.read(namespace, start(1), 2 * BLOCKS, 0)).isZero();
            lane.requirePattern(1, 0, 2 * BLOCKS * namespace.blockBytes());
            assertThat(report().zones().get(1).writePointer()).isEqualTo(start(1) + 2 * BLOCKS);
        }

        /** The controller says where it put it. */
        void append() {
            for (int index = 0; index < 4; index++) {
                lane.fill(10 + index, 0, (long) BLOCKS * namespace.blockBytes());
                ZoneCommands.append(command, namespace.nsid(), start(2), BLOCKS, 0);
                int bytes = BLOCKS * namespace.blockBytes();
                assertThat(lane.execute(() -> lane.queuePair().submit(command, lane.memory(), 0, bytes, 0)))
                        .as("append")
                        .isZero();
                assertThat(lane.result()).isEqualTo(start(2) + (long) index * BLOCKS);
            }
            assertThat(lane.read(namespace, start(2) + BLOCKS, BLOCKS, 0)).isZero();
            lane.requirePattern(11, 0, BLOCKS * namespace.blockBytes());
        }

        void states() {
            assertThat(state(2)).isEqualTo(Zone.IMPLICITLY_OPENED);
            assertThat(manage(2, Zone.CLOSE)).isZero();
            assertThat(state(2)).isEqualTo(Zone.CLOSED);
            assertThat(manage(2, Zone.OPEN)).isZero();
            assertThat(state(2)).isEqualTo(Zone.EXPLICITLY_OPENED);
            assertThat(manage(2, Zone.FINISH)).isZero();
            assertThat(state(2)).isEqualTo(Zone.FULL);
            assertThat(lane.write(namespace, start(2), BLOCKS, 0)).isEqualTo(Status.ZONE_IS_FULL);
            assertThat(manage(2, Zone.RESET)).isZero();
            assertThat(state(2)).isEqualTo(Zone.EMPTY);
        }
    }
}
