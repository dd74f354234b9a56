package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.reactor.HandReactor;
import io.doorbell.reactor.Poller;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.AccessState;
import io.doorbell.target.AccessStates;
import io.doorbell.target.CommandPath;
import io.doorbell.target.IoLimits;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(300)
class RateLimitTest {
    private static final String HOST = "nqn.2026-11.io.doorbell:host";
    private static final String OTHER = "nqn.2026-11.io.doorbell:other";

    private final Rig rig = new Rig().memory(1, 512, 4096).memory(2, 512, 4096);
    private final List<AutoCloseable> open = new ArrayList<>();
    private final NvmController controller = host(HOST);
    private final CommandPath path = path(controller);

    private NvmController host(String nqn) {
        var made = rig.controllerOf(nqn, new Rig.Transport());
        made.configure(Rig.ENABLE);
        open.add(made);
        return made;
    }

    private CommandPath path(NvmController of) {
        var made = of.openIoPath(rig.reactor);
        open.add(made);
        return made;
    }

    @AfterEach
    void close() throws Exception {
        for (var each : open.reversed()) {
            each.close();
        }
        rig.close();
    }

    private void limit(String namespaces, String hosts) {
        rig.subsystem.limit(RateLimits.Settings.parse(new String[] {namespaces}, new String[] {hosts}));
        path.poll(System.nanoTime());
    }

    private static TestRequest command(int opc, int nsid) {
        var request = TestRequest.blocks(opc, 0, 1);
        request.nsid = nsid;
        return request;
    }

    /** Its status, or PENDING when it waits. */
    private int run(CommandPath on, TestRequest request) {
        int status = rig.run(on, request);
        if (status != NvmRequest.PENDING) {
            request.complete(status);
        }
        return status;
    }

    private void until(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            path.poll(System.nanoTime());
        }
    }

    @Test
    void whatIsMoreWaitsInOrderAndDoesNotFail() {
        // Before the limit is there: its time begins with it, and this thread may be away in between.
        long startNanos = System.nanoTime();
        limit("1=iops:50", "");
        var requests = new ArrayList<TestRequest>();
        for (int i = 0; i < 6; i++) {
            requests.add(command(NvmOpcode.WRITE, 1));
            run(path, requests.getLast());
        }

        var order = new ArrayList<Integer>();
        until(() -> {
            for (int i = 0; i < requests.size(); i++) {
                if (requests.get(i).completions() == 1 && !order.contains(i)) {
                    order.add(i);
                }
            }
            return order.size() == requests.size();
        });
        long tookMillis = (System.nanoTime() - startNanos) / 1_000_000;

        assertThat(requests).allMatch(request -> request.status() == 0);
        assertThat(order).containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(tookMillis).as("five intervals of 20 ms").isGreaterThanOrEqualTo(99);
    }

    @Test
    void administrationAndOtherNamespacesDoNotWait() {
        limit("1=iops:1", "");
        assertThat(run(path, command(NvmOpcode.READ, 1))).isZero();
        var waiting = command(NvmOpcode.READ, 1);
        assertThat(run(path, waiting)).isEqualTo(NvmRequest.PENDING);

        for (int i = 0; i < 100; i++) {
            assertThat(rig.admin(controller, Rig.command(AdminOpcode.KEEP_ALIVE, 0, 0, 0)))
                    .isZero();
            assertThat(rig.admin(controller, Rig.command(AdminOpcode.IDENTIFY, 0, IdentifyCns.CONTROLLER, 0)))
                    .isZero();
            assertThat(run(path, command(NvmOpcode.READ, 2))).isZero();
            path.poll(System.nanoTime());
        }

        assertThat(waiting.completions()).isZero();
    }

    @Test
    void aHostIsLimitedInAllItDoesAndNoOtherHostIs() {
        limit("", HOST + "=iops:1");
        var other = path(host(OTHER));
        var second = path(controller);

        assertThat(run(path, command(NvmOpcode.READ, 1))).isZero();
        assertThat(run(path, command(NvmOpcode.READ, 2)))
                .as("another namespace")
                .isEqualTo(NvmRequest.PENDING);
        assertThat(run(second, command(NvmOpcode.READ, 1))).as("another queue").isEqualTo(NvmRequest.PENDING);
        for (int i = 0; i < 100; i++) {
            assertThat(run(other, command(NvmOpcode.READ, 1))).isZero();
        }
    }

    @Test
    void hostsThatAreNotNamedHaveALimitEach() {
        limit("", "*=iops:1");
        var other = path(host(OTHER));

        assertThat(run(path, command(NvmOpcode.READ, 1))).isZero();
        assertThat(run(other, command(NvmOpcode.READ, 1))).isZero();
        assertThat(run(path, command(NvmOpcode.READ, 1))).isEqualTo(NvmRequest.PENDING);
        assertThat(run(other, command(NvmOpcode.READ, 1))).isEqualTo(NvmRequest.PENDING);
        rig.enabled();
        var pci = path(rig.controller);
        assertThat(run(pci, command(NvmOpcode.READ, 1))).isZero();
        assertThat(run(pci, command(NvmOpcode.READ, 1))).as("has no name").isZero();
    }

    @Test
    void aLimitThatIsRaisedOrTakenAwayLetsGoAtOnce() {
        limit("1=iops:1", "");
        run(path, command(NvmOpcode.READ, 1));
        var first = command(NvmOpcode.READ, 1);
        var second = command(NvmOpcode.READ, 1);
        run(path, first);
        run(path, second);

        limit("1=iops:1000000", "");
        until(() -> first.completions() == 1 && second.completions() == 1);
        limit("1=iops:1", "");
        run(path, command(NvmOpcode.READ, 1));
        var third = command(NvmOpcode.READ, 1);
        assertThat(run(path, third)).isEqualTo(NvmRequest.PENDING);
        limit("", "");

        assertThat(third.status()).isZero();
        assertThat(run(path, command(NvmOpcode.READ, 1))).isZero();
    }

    @Test
    void manyThatWaitAreLetGoInAFewCycles() {
        limit("1=iops:1", "");
        run(path, command(NvmOpcode.READ, 1));
        var waiting = new ArrayList<TestRequest>();
        for (int i = 0; i < 1000; i++) {
            waiting.add(command(NvmOpcode.READ, 1));
            run(path, waiting.getLast());
        }

        rig.subsystem.limit(RateLimits.Settings.NONE);
        for (int i = 0; i < 5; i++) {
            path.poll(1);
        }

        assertThat(waiting).allMatch(request -> request.completions() == 1 && request.status() == 0);
    }

    @Test
    void aCommandOfMoreThanASecondIsExecutedAndPaidForAfterwards() {
        limit("1=bytes:4KiB", "");
        var large = TestRequest.blocks(NvmOpcode.WRITE, 0, 100);

        assertThat(run(path, large)).isZero();

        assertThat(run(path, command(NvmOpcode.READ, 1))).isEqualTo(NvmRequest.PENDING);
        assertThat(path.parkLimitNanos(System.nanoTime()))
                .as("somebody has to look again")
                .isLessThan(10_000_001);
    }

    @Test
    void flushesAndReservationsCostNoBytes() {
        limit("1=bytes:4KiB", "");
        run(path, TestRequest.blocks(NvmOpcode.WRITE, 0, 100));

        assertThat(run(path, command(NvmOpcode.RESERVATION_REPORT, 1))).isNotEqualTo(NvmRequest.PENDING);
        assertThat(run(path, TestRequest.blocks(NvmOpcode.WRITE_ZEROES, 0, 8))).isEqualTo(NvmRequest.PENDING);
    }

    @Test
    void aFusedPairWaitsAsOne() {
        limit("1=iops:1", "");
        run(path, command(NvmOpcode.READ, 1));
        var compare = command(NvmOpcode.COMPARE, 1).fuse(SubmissionEntry.FUSE_FIRST);
        var write = command(NvmOpcode.WRITE, 1).fuse(SubmissionEntry.FUSE_SECOND);
        assertThat(path.admit(compare)).isZero();
        assertThat(path.admit(write)).isZero();
        compare.with(new byte[512]);
        write.with(new byte[512]);

        assertThat(path.executeFused(compare, write)).isEqualTo(NvmRequest.PENDING);
        var behind = command(NvmOpcode.READ, 1);
        run(path, behind);
        limit("", "");

        assertThat(write.status()).isZero();
        assertThat(compare.completions()).as("the write answers for both").isZero();
        assertThat(behind.status()).isZero();
    }

    @Test
    void whatWaitsForANamespaceThatGoesIsEnded() {
        limit("1=iops:1", "");
        run(path, command(NvmOpcode.READ, 1));
        var waiting = command(NvmOpcode.READ, 1);
        run(path, waiting);

        rig.subsystem.removeNamespace(1);
        path.poll(System.nanoTime());

        assertThat(waiting.status()).isEqualTo(Status.INVALID_FIELD | Status.DNR);
        assertThat(path.parkLimitNanos(0)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void whatWaitsGoesOnInANamespaceThatIsResized() {
        limit("1=iops:2", "");
        run(path, command(NvmOpcode.READ, 1));
        var within = command(NvmOpcode.READ, 1);
        var behind = TestRequest.blocks(NvmOpcode.READ, 4095, 1);
        run(path, within);
        run(path, behind);

        var done = CompletableFuture.runAsync(() -> rig.subsystem.resizeNamespace(1, 512 * 100));
        until(done::isDone);
        limit("", "");

        assertThat(within.status()).isZero();
        assertThat(behind.status()).isEqualTo(Status.LBA_OUT_OF_RANGE | Status.DNR);
    }

    @Test
    void whatWaitsIsToldThatTheWayIsGone() {
        limit("1=iops:1", "");
        run(path, command(NvmOpcode.READ, 1));
        var waiting = command(NvmOpcode.READ, 1);
        run(path, waiting);

        controller.accessStates(AccessStates.ALL_OPTIMIZED.with(1, AccessState.INACCESSIBLE));
        path.poll(System.nanoTime());

        assertThat(waiting.status()).isEqualTo(Status.ASYMMETRIC_ACCESS_INACCESSIBLE);
    }

    @Test
    void aPathThatIsClosedForgetsWhatWaits() {
        limit("1=iops:1", "");
        run(path, command(NvmOpcode.READ, 1));
        var waiting = command(NvmOpcode.READ, 1);
        run(path, waiting);

        path.close();

        assertThat(path.poll(System.nanoTime())).isZero();
        assertThat(waiting.completions()).isZero();
    }

    /** Keeps 16 commands in flight. */
    private static final class Load implements Poller {
        private static final int DEPTH = 16;
        private final CommandPath path;
        private final ArrayDeque<Repeated> free = new ArrayDeque<>();
        private final int blocks;
        volatile long done;
        volatile int failures;
        /** For how long it was held up for longer than a bucket keeps what was not used. */
        volatile long lostNanos;

        private volatile long polledNanos = System.nanoTime();

        private final class Repeated extends NvmRequest {
            @Override
            public void complete(int status) {
                ended(this, status);
            }
        }

        Load(CommandPath path, int blocks) {
            this.path = path;
            this.blocks = blocks;
            for (int i = 0; i < DEPTH; i++) {
                var request = new Repeated();
                request.addPiece(MemorySegment.ofArray(new byte[blocks * 512]), 0, blocks * 512);
                free.add(request);
            }
        }

        private void ended(Repeated request, int status) {
            done++;
            failures += status == 0 ? 0 : 1;
            free.add(request);
        }

        @Override
        public int poll(long nowNanos) {
            long now = System.nanoTime();
            lostNanos += Math.max(0, now - polledNanos - RateBucket.BURST_NANOS);
            polledNanos = now;
            int work = path.poll(nowNanos);
            for (int i = free.size(); i > 0; i--) {
                var request = free.remove();
                request.opc = NvmOpcode.READ;
                request.nsid = 1;
                request.cdw12 = blocks - 1;
                int status = path.admit(request);
                status = status == 0 ? path.execute(request) : status;
                if (status != NvmRequest.PENDING) {
                    ended(request, status);
                }
                work++;
            }
            return work;
        }

        @Override
        public boolean readyToPark() {
            return false;
        }
    }

    /** Within 5 % over a second, less what the machine did not let the reactors do. */
    @ParameterizedTest
    @CsvSource({
        "1=iops:1000, 1, 1, 1000",
        "1=iops:20000, 1, 1, 20000",
        "1=iops:20000, 3, 1, 20000",
        "1=bytes:50MiB, 2, 64, 1600",
        "1=bytes:50MiB;iops:500, 2, 64, 500"
    })
    void theLimitIsKeptOverASecondByAnyNumberOfReactors(String limit, int reactors, int blocks, long perSecond) {
        limit(limit, "");
        var running = new ArrayList<HandReactor>();
        var loads = new ArrayList<Load>();
        var paths = new ArrayList<CommandPath>();
        for (int i = 0; i < reactors; i++) {
            var reactor = HandReactor.running("load-" + i);
            var of = controller.openIoPath(reactor);
            var load = new Load(of, blocks);
            reactor.add(load);
            running.add(reactor);
            loads.add(load);
            paths.add(of);
        }
        try {
            long outerNanos = System.nanoTime();
            long before = done(loads);
            long startNanos = System.nanoTime();
            long lostBefore = lost(loads);
            while (System.nanoTime() - startNanos < 1_000_000_000) {
                LockSupport.parkNanos(1_000_000);
            }
            long lost = lost(loads) - lostBefore;
            long innerNanos = System.nanoTime() - startNanos;
            long count = done(loads) - before;
            outerNanos = System.nanoTime() - outerNanos;

            assertThat(count * 1e9 / outerNanos).as("commands a second").isLessThanOrEqualTo(1.05 * perSecond);
            assertThat(count / (double) perSecond)
                    .as("seconds that were used of %d ns, with %d ns lost", innerNanos, lost)
                    .isGreaterThanOrEqualTo(0.95 * (innerNanos - lost) / 1e9);
            assertThat(loads).allMatch(load -> load.failures == 0);
            assertThat(loads).as("each has a part").allMatch(load -> load.done > 0);
        } finally {
            for (int i = 0; i < reactors; i++) {
                var of = paths.get(i);
                running.get(i).remove(loads.get(i));
                running.get(i).call(() -> closed(of), Duration.ofSeconds(10));
                running.get(i).close();
            }
        }
    }

    private static boolean closed(CommandPath path) {
        path.close();
        return true;
    }

    /** Of all reactors together: what one could not take may have been left to be taken by nobody. */
    private static long lost(List<Load> loads) {
        long now = System.nanoTime();
        // With the gap that a reactor may be in just now.
        return loads.stream()
                .mapToLong(load -> load.lostNanos + Math.max(0, now - load.polledNanos - RateBucket.BURST_NANOS))
                .sum();
    }

    private static long done(List<Load> loads) {
        return loads.stream().mapToLong(load -> load.done).sum();
    }

    @Test
    void readsWhatConfigurationSays() {
        var settings = RateLimits.Settings.parse(
                new String[] {"2=iops:5000;bytes:100MiB", "3=bytes:1GiB"},
                new String[] {HOST + "=iops:7", "*=bytes:4KiB"});

        assertThat(settings.namespaces())
                .containsEntry(2, new IoLimits(5000, 100 << 20))
                .hasSize(2);
        assertThat(settings.hosts()).containsEntry(HOST, new IoLimits(7, 0)).containsKey("*");
        var spelled = settings.spelled();
        assertThat(RateLimits.Settings.parse(
                        (String[]) spelled.get("namespace.limits"), (String[]) spelled.get("host.limits")))
                .isEqualTo(settings);
        assertThat(settings.withNamespace(2, IoLimits.NONE).namespaces()).containsOnlyKeys(3);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "iops:5",
                "0=iops:5",
                "1=",
                "1=iops",
                "1=iops:x",
                "1=iops:0",
                "1=iops:-1",
                "1=bytes:1KiB",
                "1=tps:5"
            })
    void saysWhichEntryIsWrong(String entry) {
        assertThatThrownBy(() -> RateLimits.Settings.parse(new String[] {entry}, new String[0]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("namespace.limits = " + entry);
        assertThatThrownBy(() -> RateLimits.Settings.parse(new String[0], new String[] {"nobody=iops:5"}))
                .hasMessageContaining("nobody");
    }
}
