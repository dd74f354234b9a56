package io.doorbell.bench;

import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SubmissionEntry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What it costs to write a whole command into a ring, and to take a completion out of one: the floor under every path.
 * It also guards the inlining of the encoder: a VarHandle that is not constant, or a call that is not inlined, shows here first.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class EncoderBenchmark {
    private static final int ENTRIES = 1024;

    private Arena arena;
    private MemorySegment submissions;
    private MemorySegment completions;
    private int index;

    @Setup
    public void open() {
        arena = Arena.ofShared();
        submissions = arena.allocate((long) ENTRIES * SubmissionEntry.SIZE_BYTES, 4096);
        completions = arena.allocate((long) ENTRIES * CompletionEntry.SIZE_BYTES, 4096);
    }

    @TearDown
    public void close() {
        arena.close();
    }

    @Benchmark
    public void encodeRead() {
        int at = index;
        SubmissionEntry.encodeReadWrite(
                submissions, (long) at * SubmissionEntry.SIZE_BYTES, NvmOpcode.READ, at, 1, at, 7, (long) at << 12, 0);
        index = at + 1 & ENTRIES - 1;
    }

    @Benchmark
    public long postAndTake() {
        int at = index;
        long offset = (long) at * CompletionEntry.SIZE_BYTES;
        CompletionEntry.post(completions, offset, 0, at, 1, at, 0, 1);
        index = at + 1 & ENTRIES - 1;
        return CompletionEntry.tail(completions, offset);
    }
}
