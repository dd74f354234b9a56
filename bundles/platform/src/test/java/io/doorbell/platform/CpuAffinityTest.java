package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class CpuAffinityTest {
    @Test
    void aPinnedThreadRunsOnItsCpuOnly() throws Exception {
        int cpu = CpuAffinity.processCpus().length() - 1;

        onItsOwnThread(() -> {
            var pinning = CpuAffinity.pinCurrentThread(cpu);

            assertThat(pinning.problem()).isEmpty();
            assertThat(pinning.pinned()).isTrue();
            assertThat(CpuAffinity.currentCpu()).isEqualTo(cpu);
            assertThat(CpuAffinity.allowedCpus()).isEqualTo(only(cpu));
            assertThat(CpuAffinity.processCpus().get(cpu)).isTrue();
            return null;
        });
    }

    @Test
    void bindingToAllCpusOfTheProcessUndoesAPinning() throws Exception {
        var all = CpuAffinity.processCpus();

        onItsOwnThread(() -> {
            CpuAffinity.pinCurrentThread(all.nextSetBit(0));

            assertThat(CpuAffinity.bindCurrentThread(all).pinned()).isTrue();
            assertThat(CpuAffinity.allowedCpus()).isEqualTo(all);
            return null;
        });
    }

    @Test
    void whereAThreadOfThatNameMayRunIsSeenFromOutside() throws Exception {
        int cpu = CpuAffinity.processCpus().length() - 1;
        var pinned = new CompletableFuture<Void>();
        var seen = new CountDownLatch(1);
        var thread = Thread.ofPlatform().name("a-name-of-more-than-15").start(() -> {
            CpuAffinity.pinCurrentThread(cpu);
            pinned.complete(null);
            try {
                seen.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        pinned.get(20, TimeUnit.SECONDS);

        assertThat(CpuAffinity.cpusOf("a-name-of-more-than-15")).isEqualTo(only(cpu));
        assertThat(CpuAffinity.cpusOf("nobody")).isEqualTo(new BitSet());

        seen.countDown();
        thread.join();
    }

    @Test
    void thisThreadRunsOnAnAllowedCpu() {
        assertThat(CpuAffinity.allowedCpus().get(CpuAffinity.currentCpu())).isTrue();
    }

    @Test
    void tellsThatACpuDoesNotExistAndLeavesTheThreadAlone() {
        var before = CpuAffinity.allowedCpus();

        var pinning = CpuAffinity.pinCurrentThread(CpuAffinity.MAX_CPUS - 1);

        assertThat(pinning.pinned()).isFalse();
        assertThat(pinning.problem()).contains("sched_setaffinity", "EINVAL", "Allowed are " + before);
        assertThat(CpuAffinity.allowedCpus()).isEqualTo(before);
    }

    @Test
    void tellsThatANumberIsNoCpu() {
        assertThat(CpuAffinity.pinCurrentThread(-1).problem()).isEqualTo("there is no CPU -1");
        assertThat(CpuAffinity.pinCurrentThread(CpuAffinity.MAX_CPUS).pinned()).isFalse();
        assertThat(CpuAffinity.bindCurrentThread(new BitSet()).pinned()).isFalse();
    }

    @Test
    void doesNotPinTheCarrierOfAVirtualThread() throws Exception {
        int cpu = CpuAffinity.processCpus().nextSetBit(0);

        var pinning = on(Thread::startVirtualThread, () -> CpuAffinity.pinCurrentThread(cpu));

        assertThat(pinning.pinned()).isFalse();
        assertThat(pinning.problem()).contains("virtual thread");
    }

    /** So that no other test runs on a thread that this one pinned. */
    private static void onItsOwnThread(Supplier<Void> body) throws Exception {
        on(task -> Thread.ofPlatform().start(task), body);
    }

    private static <T> T on(Executor executor, Supplier<T> body) throws Exception {
        return CompletableFuture.supplyAsync(body, executor).get(60, TimeUnit.SECONDS);
    }

    private static BitSet only(int cpu) {
        var cpus = new BitSet();
        cpus.set(cpu);
        return cpus;
    }
}
