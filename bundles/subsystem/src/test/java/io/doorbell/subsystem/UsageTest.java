package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.HostIdentity;
import io.doorbell.target.IoUsage;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is counted, compared with what was done. */
class UsageTest {
    private static final String HOST = "nqn.2026-11.io.doorbell:host";
    private static final String OTHER = "nqn.2026-11.io.doorbell:other";

    private final SlowNamespace slow = new SlowNamespace();
    private final Rig rig = new Rig().memory(1, 512, 4096);

    UsageTest() {
        rig.subsystem.addNamespace(2, slow);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private NvmController host(String nqn) {
        var made = rig.controllerOf(nqn, new Rig.Transport());
        made.configure(Rig.ENABLE);
        return made;
    }

    private static TestRequest command(int opc, int nsid, int blocks) {
        var request = TestRequest.blocks(opc, 0, blocks);
        request.nsid = nsid;
        return request;
    }

    private IoUsage usage(String host, int nsid) {
        return rig.subsystem.usage().stream()
                .filter(each -> each.nsid() == nsid && each.hostNqn().equals(host))
                .reduce(IoUsage.none(nsid, host), IoUsage::plus);
    }

    @Test
    void commandsAndBytesAreCountedByHostAndNamespaceAndStayWhenTheHostIsGone() {
        var first = host(HOST);
        var second = host(OTHER);
        var path = first.openIoPath(rig.reactor);
        var beside = first.openIoPath(rig.reactor);
        var others = second.openIoPath(rig.reactor);
        for (int i = 0; i < 100; i++) {
            assertThat(rig.run(path, command(NvmOpcode.WRITE, 1, 8))).isEqualTo(Status.SUCCESS);
            assertThat(rig.run(beside, command(NvmOpcode.READ, 1, 2))).isEqualTo(Status.SUCCESS);
        }
        assertThat(rig.run(others, command(NvmOpcode.READ, 1, 1))).isEqualTo(Status.SUCCESS);
        assertThat(rig.run(others, command(NvmOpcode.FLUSH, 1, 1))).isEqualTo(Status.SUCCESS);

        var before = usage(HOST, 1);
        path.close();
        var half = usage(HOST, 1);
        beside.close();
        first.close();
        var after = usage(HOST, 1);
        others.close();
        second.close();

        for (var usage : List.of(before, half, after)) {
            assertThat(usage.writeCommands()).isEqualTo(100);
            assertThat(usage.writtenBytes()).isEqualTo(100 * 8 * 512);
            assertThat(usage.readCommands()).isEqualTo(100);
            assertThat(usage.readBytes()).isEqualTo(100 * 2 * 512);
            assertThat(usage.otherCommands()).isZero();
            assertThat(usage.failedCommands()).isZero();
            // One in 32, and some more when it takes long.
            assertThat(usage.writeLatency().samples()).isBetween(3L, 100L);
            assertThat(usage.writeLatency().maxNanos()).isPositive();
        }
        assertThat(usage(OTHER, 1).readCommands()).isEqualTo(1);
        assertThat(usage(OTHER, 1).otherCommands()).isEqualTo(1);
    }

    @Test
    void aHostOnANetworkWithoutANameIsNoHostOnPci() {
        var path = host("").openIoPath(rig.reactor);
        rig.controller.configure(Rig.ENABLE);
        var onPci = rig.controller.openIoPath(rig.reactor);

        assertThat(rig.run(path, command(NvmOpcode.WRITE, 1, 8))).isEqualTo(Status.SUCCESS);
        assertThat(rig.run(onPci, command(NvmOpcode.READ, 1, 8))).isEqualTo(Status.SUCCESS);

        assertThat(usage(HostIdentity.UNNAMED, 1).writeCommands()).isEqualTo(1);
        assertThat(usage(HostIdentity.UNNAMED, 1).readCommands()).isZero();
        assertThat(usage("", 1).readCommands()).isEqualTo(1);
    }

    @Test
    void whatFailsIsCountedAtOnceOrLater() {
        var controller = host(HOST);
        var path = controller.openIoPath(rig.reactor);
        var compare = command(NvmOpcode.COMPARE, 1, 1);
        assertThat(rig.run(path, compare, filled(512))).isNotEqualTo(Status.SUCCESS);
        var beyond = command(NvmOpcode.READ, 1, 1);
        beyond.cdw11 = 1;
        assertThat(path.admit(beyond)).isEqualTo(Status.LBA_OUT_OF_RANGE | Status.DNR);
        var write = command(NvmOpcode.WRITE, 2, 1);
        assertThat(rig.run(path, write)).isEqualTo(NvmRequest.PENDING);

        path.ended(write, Status.INTERNAL_ERROR);

        assertThat(usage(HOST, 1).failedCommands()).isEqualTo(2);
        assertThat(usage(HOST, 1).readCommands()).as("what was refused").isZero();
        assertThat(usage(HOST, 2).failedCommands()).isEqualTo(1);
        assertThat(usage(HOST, 2).writeCommands()).isEqualTo(1);
        path.close();
        controller.close();
    }

    @Test
    void theFirstCommandAfterAWhileIsTimedUntilItsEnd() {
        var controller = host(HOST);
        var path = controller.openIoPath(rig.reactor);
        path.poll(System.nanoTime());
        var write = command(NvmOpcode.WRITE, 2, 1);
        assertThat(rig.run(path, write)).isEqualTo(NvmRequest.PENDING);
        assertThat(write.timedNanos).isNotZero();
        long begun = write.timedNanos;

        path.ended(write, Status.SUCCESS);

        long atMost = System.nanoTime() - begun;
        assertThat(write.timedNanos).isZero();
        assertThat(usage(HOST, 2).writeLatency().samples()).isEqualTo(1);
        assertThat(usage(HOST, 2).writeLatency().maxNanos()).isBetween(1L, atMost);
        assertThat(path.latency().samples()).isEqualTo(1);
        path.close();
        controller.close();
    }

    @Test
    void hostsThatChangeTheirNamesDoNotFillTheMemory() {
        var ledger = new UsageLedger();
        for (int i = 0; i < UsageLedger.MAX_HOSTS + 50; i++) {
            ledger.add(List.of(new IoUsage(
                    1,
                    "host" + i,
                    1,
                    0,
                    0,
                    0,
                    512,
                    0,
                    IoUsage.none(1, "").readLatency(),
                    IoUsage.none(1, "").writeLatency())));
        }

        assertThat(ledger.rows()).hasSize(UsageLedger.MAX_HOSTS + 1);
        assertThat(ledger.rows())
                .filteredOn(row -> row.hostNqn().equals(IoUsage.OTHERS))
                .singleElement()
                .satisfies(row -> assertThat(row.readCommands()).isEqualTo(50));
    }

    private static byte[] filled(int bytes) {
        var data = new byte[bytes];
        Arrays.fill(data, (byte) 1);
        return data;
    }
}
