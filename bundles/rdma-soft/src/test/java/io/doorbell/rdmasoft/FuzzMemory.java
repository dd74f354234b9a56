package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.platform.NativeMemory;
import io.doorbell.verbs.Access;
import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.ProtectionDomain;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;

/**
 * Memory of which peers may read one part and write another, and the rest not; and beside it, what should be in it. Parts lie between canaries. What
 * no peer may read is {@link #SECRET}, a byte that is nowhere else.
 */
final class FuzzMemory implements AutoCloseable {
    static final byte SECRET = 0x5A;
    private static final long SECRETS = 0x5A5A5A5A5A5A5A5AL;
    static final int PART_BYTES = 8 << 10;
    private static final int CANARY_BYTES = 1 << 10;
    private static final int PARTS = 6;
    private static final int BYTES = PARTS * (PART_BYTES + CANARY_BYTES) + CANARY_BYTES;

    /** A part, and what its key allows peers. */
    final class Part {
        final int at;
        final MemoryRegion region;
        final boolean reads;
        final boolean writes;

        private Part(ProtectionDomain domain, int index, int access) {
            at = CANARY_BYTES + index * (PART_BYTES + CANARY_BYTES);
            region = domain.register(memory.segment().asSlice(at, PART_BYTES), access);
            reads = (access & Access.REMOTE_READ) != 0;
            writes = (access & Access.REMOTE_WRITE) != 0;
        }

        long address(int offset) {
            return memory.segment().address() + at + offset;
        }

        int key() {
            return region.remoteKey();
        }
    }

    private final NativeMemory memory = NativeMemory.allocate(BYTES);
    private final NativeMemory expected = NativeMemory.allocate(BYTES);
    private final MemorySegment chance = MemorySegment.ofArray(new byte[PART_BYTES * 4]);
    final Part both;
    final Part readable;
    final Part writable;
    /** For receives and for what is read from peers: no peer has its key. */
    final Part landing;
    /** Of another protection domain. */
    final Part foreign;
    /** Not registered any more. */
    final Part gone;

    private final List<Part> parts;

    FuzzMemory(ProtectionDomain domain, ProtectionDomain other, Random random) {
        int local = Access.LOCAL_WRITE;
        both = new Part(domain, 0, local | Access.REMOTE_WRITE | Access.REMOTE_READ);
        readable = new Part(domain, 1, local | Access.REMOTE_READ);
        writable = new Part(domain, 2, local | Access.REMOTE_WRITE);
        landing = new Part(domain, 3, local);
        foreign = new Part(other, 4, local | Access.REMOTE_WRITE | Access.REMOTE_READ);
        gone = new Part(domain, 5, local | Access.REMOTE_WRITE | Access.REMOTE_READ);
        gone.region.close();
        parts = List.of(both, readable, writable, landing, foreign, gone);
        memory.segment().fill(SECRET);
        for (long at = 0; at < chance.byteSize(); at++) {
            // Never the secret.
            chance.set(ValueLayout.JAVA_BYTE, at, (byte) (0x80 | random.nextInt()));
        }
        for (var part : List.of(both, readable)) {
            MemorySegment.copy(chance, 0, memory.segment(), part.at, PART_BYTES);
        }
        expected.segment().copyFrom(memory.segment());
    }

    List<Part> parts() {
        return parts;
    }

    /** Fills a packet with bytes by chance. Returns where they are from, for {@link #expect}. */
    int fill(Random random, MemorySegment packet, long at, int bytes) {
        int from = random.nextInt((int) chance.byteSize() - bytes + 1);
        MemorySegment.copy(chance, from, packet, at, bytes);
        return from;
    }

    /** From now on these bytes should be at that place. */
    void expect(Part part, int offset, int from, int bytes) {
        MemorySegment.copy(chance, from, expected.segment(), part.at + offset, bytes);
    }

    /** Whether bytes of a packet are what should be there. */
    boolean isExpected(Part part, int offset, MemorySegment packet, long at, int bytes) {
        long begin = part.at + offset;
        return MemorySegment.mismatch(packet, at, at + bytes, expected.segment(), begin, begin + bytes) < 0;
    }

    void requireExpected() {
        assertThat(memory.segment().mismatch(expected.segment()))
                .as("the first byte that is not what it should be")
                .isEqualTo(-1);
    }

    /** As {@link #requireExpected}, but what peers may write to, and where messages land, may be anything. */
    void requireUntouched() {
        for (var part : List.of(both, writable, landing)) {
            MemorySegment.copy(memory.segment(), part.at, expected.segment(), part.at, PART_BYTES);
        }
        requireExpected();
    }

    static boolean hasSecret(MemorySegment memory, long at, int bytes) {
        int i = 0;
        for (; i <= bytes - Long.BYTES; i += Long.BYTES) {
            // Eight at once: whether a byte is zero.
            long word = memory.get(ValueLayout.JAVA_LONG_UNALIGNED, at + i) ^ SECRETS;
            if ((word - 0x0101010101010101L & ~word & 0x8080808080808080L) != 0) {
                return true;
            }
        }
        for (; i < bytes; i++) {
            if (memory.get(ValueLayout.JAVA_BYTE, at + i) == SECRET) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void close() {
        parts.forEach(part -> part.region.close());
        memory.close();
        expected.close();
    }
}
