package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;

/**
 * Which CPUs a thread may run on. Where Linux does not permit a change (a container, a cpuset) the answer says so and nothing is thrown: an unpinned
 * reactor is slower, not wrong.
 *
 * <p>A thread inherits its CPUs from the thread that starts it. So start threads from a thread that is not pinned.
 */
public final class CpuAffinity {
    /** The CPUs that a Linux of this kind can have (CONFIG_NR_CPUS on x86-64), with room. */
    public static final int MAX_CPUS = 16_384;

    /**
     * What became of a pinning.
     *
     * @param pinned whether the thread now runs on that CPU only
     * @param problem why not; empty if it does
     */
    public record Pinning(boolean pinned, String problem) {
        private static final Pinning DONE = new Pinning(true, "");

        private static Pinning refused(String problem) {
            return new Pinning(false, problem);
        }
    }

    private static final int THIS_THREAD = 0;

    /** TASK_COMM_LEN of Linux less its NUL. */
    private static final int MAX_COMM_CHARS = 15;

    private CpuAffinity() {}

    /** Binds the current thread to one CPU, as numbered in /proc/cpuinfo. A virtual thread has no CPU of its own and is refused. */
    public static Pinning pinCurrentThread(int cpu) {
        if (cpu < 0 || cpu >= MAX_CPUS) {
            return Pinning.refused("there is no CPU " + cpu);
        }
        var cpus = new BitSet();
        cpus.set(cpu);
        return bindCurrentThread(cpus);
    }

    /** Lets the current thread run on all of {@code cpus}: undoes a pinning when given {@link #processCpus}. */
    public static Pinning bindCurrentThread(BitSet cpus) {
        if (Thread.currentThread().isVirtual()) {
            return Pinning.refused("a virtual thread has no CPU of its own");
        }
        if (cpus.isEmpty() || cpus.length() > MAX_CPUS) {
            return Pinning.refused("no such set of CPUs: " + cpus);
        }
        var missing = NativeAccess.problem();
        if (missing.isPresent()) {
            return Pinning.refused(missing.get());
        }
        try (var scratch = Arena.ofConfined()) {
            var cpuSet = cpuSet(scratch);
            MemorySegment.copy(cpus.toByteArray(), 0, cpuSet, JAVA_BYTE, 0, cpus.toByteArray().length);
            int result = Libc.schedSetaffinity(scratch.allocate(Libc.ERRNO_STATE), THIS_THREAD, cpuSet);
            return result == 0
                    ? Pinning.DONE
                    : Pinning.refused("sched_setaffinity to CPU " + cpus + " failed: " + Errno.describe(-result)
                            + ". Allowed are " + allowedCpus());
        }
    }

    /** The CPUs that the current thread may run on. */
    public static BitSet allowedCpus() {
        return affinity(THIS_THREAD);
    }

    /** The CPUs that this process was started with, also when the current thread is pinned. */
    public static BitSet processCpus() {
        // The thread whose id is the process id is the one that exec made. The java launcher parks it and runs main on
        // another, so nobody pins it.
        return affinity((int) ProcessHandle.current().pid());
    }

    /**
     * The CPUs that the threads of this process with such a name may run on; none if there is no such thread.
     *
     * @param name as the thread was given it; Linux keeps its first 15 bytes, and only they are compared
     */
    public static BitSet cpusOf(String name) {
        var cpus = new BitSet();
        var kept = name.substring(0, Math.min(name.length(), MAX_COMM_CHARS));
        try (var tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (var task : tasks) {
                try {
                    if (Files.readString(task.resolve("comm")).strip().equals(kept)) {
                        cpus.or(affinity(Integer.parseInt(task.getFileName().toString())));
                    }
                } catch (IOException | PlatformException ended) {
                    // It was there when the folder was read.
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return cpus;
    }

    /** The CPU that the current thread is on at this moment. */
    public static int currentCpu() {
        NativeAccess.require();
        try (var scratch = Arena.ofConfined()) {
            int cpu = Libc.schedGetcpu(scratch.allocate(Libc.ERRNO_STATE));
            if (cpu < 0) {
                throw new PlatformException("sched_getcpu", -cpu, "");
            }
            return cpu;
        }
    }

    private static BitSet affinity(int thread) {
        NativeAccess.require();
        try (var scratch = Arena.ofConfined()) {
            var cpuSet = cpuSet(scratch);
            int result = Libc.schedGetaffinity(scratch.allocate(Libc.ERRNO_STATE), thread, cpuSet);
            if (result < 0) {
                throw new PlatformException("sched_getaffinity", -result, "");
            }
            return BitSet.valueOf(cpuSet.toArray(JAVA_BYTE));
        }
    }

    private static MemorySegment cpuSet(Arena scratch) {
        return scratch.allocate(MAX_CPUS / Byte.SIZE, Long.BYTES);
    }
}
