package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.fabrics.DataPool;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TcpPdu;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/**
 * A host that does everything right beside others that do not: it always has one command under way, reads back what it wrote, and counts the
 * reactor's cycles until the answer.
 */
final class GoodHost {
    private static final int BLOCK_COUNT = 4096;
    private static final int ENTRIES = 32;
    private static final int MAX_BLOCKS = 256;

    /** Looking has a price, and the others are to be many. */
    private static final int LOOK_EVERY = 4;

    /** With a kernel between, which may let a segment lie for a while when the machine is busy, and that is nobody's fault here. */
    private static final long BOUND_CYCLES = 256;

    private static final long BOUND_NANOS = 1_000_000_000L;

    private final DrivenTarget target;
    private final DrivenHost.Memory memory = new DrivenHost.Memory();
    private final FuzzBlocks blocks = new FuzzBlocks(BLOCK_COUNT);
    private final FuzzAnswer[] answers = FuzzHost.newAnswers();
    private final Random random;
    private final FuzzHost admin;
    private final FuzzHost io;
    private final int idleParts;

    private boolean reads;
    private long slba;
    private int count;
    private int stamp;
    private int cid;
    private boolean dataCame;
    private long sentCycle;
    private long sentNanos;
    private long served;
    private long worstCycles;
    private long worstNanos;
    private long slow;

    GoodHost(DrivenTarget target, Random random) {
        this.target = target;
        this.random = random;
        var adminMemory = memory;
        admin = new FuzzHost(target, adminMemory, answers, blocks, random);
        admin.wire.initialize(0);
        int controller = admin.connect(FuzzTest.QUIET, FabricsCommand.DYNAMIC_CONTROLLER, 0, ENTRIES, 0);
        admin.configure(0x0046_0001);
        io = new FuzzHost(target, memory, answers, blocks, random);
        io.wire.initialize(3);
        io.connect(FuzzTest.QUIET, controller, 1, ENTRIES, 0);
        idleParts = target.member.heldParts();
        send();
    }

    int idleParts() {
        return idleParts;
    }

    /** What the target holds but for this host's one command. */
    int partsBeside() {
        // A Write or a Read has its chunks from the R2T or the execution on until its answer is sent; which is within a
        // cycle mostly.
        int held = target.member.heldParts();
        return held > idleParts && held - idleParts <= DataPool.chunks(count * FuzzBlocks.BLOCK_BYTES)
                ? idleParts
                : held;
    }

    /** Now and then. */
    void look() {
        if (target.cycles() % LOOK_EVERY != 0) {
            return;
        }
        for (long pdu = io.wire.poll(); pdu >= 0; pdu = io.wire.poll()) {
            take(pdu);
        }
        assertThat(io.wire.isEnded()).as("the good host's connection").isFalse();
    }

    private void send() {
        reads = !reads;
        if (!reads) {
            count = random.nextInt(8) == 0 ? 1 + random.nextInt(MAX_BLOCKS) : 1 + random.nextInt(16);
            slba = random.nextInt(BLOCK_COUNT - count + 1);
            stamp = blocks.nextStamp();
        } else if (count == 0) {
            count = 1;
        }
        cid = random.nextInt(0x10000);
        dataCame = false;
        int bytes = count * FuzzBlocks.BLOCK_BYTES;
        io.entry(reads ? NvmOpcode.READ : NvmOpcode.WRITE, cid, 1, (int) slba, 0, count - 1);
        boolean capsule = !reads && bytes <= FuzzCommands.IN_CAPSULE && random.nextBoolean();
        io.sgl(capsule ? RawHost.CAPSULE : RawHost.TRANSPORT, 0, bytes);
        long pdu = io.wire.capsule(capsule ? bytes : 0);
        if (capsule) {
            FuzzBlocks.write(io.bytes, io.wire.dataOf(pdu), stamp, slba, 0, bytes);
            io.wire.sealData(pdu, bytes);
        }
        sentCycle = target.cycles();
        sentNanos = System.nanoTime();
        io.wire.push();
    }

    private void take(long at) {
        switch (TcpPdu.type(io.bytes, at)) {
            case TcpPdu.R2T -> {
                int bytes = (int) TcpPdu.datal(io.bytes, at);
                long pdu = io.wire.h2cData(cid, TcpPdu.ttag(io.bytes, at), 0, bytes, true);
                FuzzBlocks.write(io.bytes, io.wire.dataOf(pdu), stamp, slba, 0, bytes);
                io.wire.sealData(pdu, bytes);
                io.wire.push();
            }
            case TcpPdu.C2H_DATA -> {
                blocks.requireRead(io.bytes, io.wire.dataOf(at), slba, count);
                dataCame = true;
            }
            case TcpPdu.CAPSULE_RESP -> {
                long tail = io.bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, at + TcpPdu.ENTRY_OFFSET + 8);
                assertThat(CompletionEntry.cid(tail)).isEqualTo(cid);
                assertThat(CompletionEntry.status(tail)).isEqualTo(Status.SUCCESS);
                assertThat(dataCame).isEqualTo(reads);
                if (!reads) {
                    blocks.written(slba, count, stamp);
                }
                measure();
                send();
            }
            default -> throw new AssertionError("the good host is sent " + TcpPdu.name(TcpPdu.type(io.bytes, at)));
        }
    }

    private void measure() {
        long cycles = target.cycles() - sentCycle;
        long nanos = System.nanoTime() - sentNanos;
        served++;
        worstCycles = Math.max(worstCycles, cycles);
        worstNanos = Math.max(worstNanos, nanos);
        if (cycles > BOUND_CYCLES && nanos > BOUND_NANOS) {
            slow++;
        }
    }

    void requireServedWell() {
        assertThat(served).isGreaterThan(10);
        assertThat(slow).as("%s", this).isZero();
    }

    void close() {
        io.forget();
        admin.forget();
    }

    void closeMemory() {
        memory.close();
    }

    @Override
    public String toString() {
        return String.format(
                "a good host had %d commands, the slowest of them took %d cycles, and one %d us",
                served, worstCycles, worstNanos / 1000);
    }
}
