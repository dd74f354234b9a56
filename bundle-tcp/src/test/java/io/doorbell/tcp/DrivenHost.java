package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import io.doorbell.platform.SocketVector;
import io.doorbell.platform.TcpSocket;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.zip.CRC32C;

/**
 * A host of a {@link DrivenTarget}: what it sends is staged in its memory, right or wrong, and leaves in as many pieces as the test likes. Owner:
 * the thread that drives the target.
 */
final class DrivenHost {
    /** After so many cycles without an answer somebody else has to do something: the kernel, or a thread of the controller's. */
    static final int PATIENT_CYCLES = 50;

    private static final long HANG_NANOS = 20_000_000_000L;

    /** Memory of one host after the other. */
    static final class Memory implements AutoCloseable {
        private static final int OUT_BYTES = 16 << 20;
        private static final int IN_BYTES = 1 << 20;

        /** Where a command is made, aligned, and Connect data. */
        static final long ENTRY = 0;

        static final long CONNECT = 1024;
        private static final long OUT = 4096;
        private static final long IN = OUT + OUT_BYTES;
        private final NativeMemory mapping = NativeMemory.allocate(IN + IN_BYTES, MappingOptions.SPARSE);
        final MemorySegment segment = mapping.segment();
        private final ByteBuffer bytes = segment.asByteBuffer();
        private final SocketVector vector = new SocketVector(mapping, 1);
        private final CRC32C crc = new CRC32C();

        int crc(long at, long count) {
            crc.reset();
            bytes.limit((int) (at + count)).position((int) at);
            crc.update(bytes);
            return (int) crc.getValue();
        }

        @Override
        public void close() {
            vector.close();
            mapping.close();
        }
    }

    final DrivenTarget target;
    final Memory memory;
    final MemorySegment bytes;
    private final Random random;
    private final TcpSocket socket;
    boolean headerDigest;
    boolean dataDigest;

    /** In how many pieces, at random places, what is staged leaves; 1 for whole. */
    int pieces = 1;

    private long sent = Memory.OUT;
    private long staged = Memory.OUT;
    private long parsed = Memory.IN;
    private long received = Memory.IN;
    private boolean ended;
    private boolean closed;

    DrivenHost(DrivenTarget target, Memory memory, Random random) {
        this.target = target;
        this.memory = memory;
        this.random = random;
        bytes = memory.segment;
        socket = TcpSocket.connect(target.address());
        socket.noDelay();
    }

    // What it sends.

    /** Where the next PDU is to be written. */
    long staged() {
        return staged;
    }

    void staged(long pduBytes) {
        staged += pduBytes;
        if (staged > Memory.IN) {
            throw new IllegalStateException("a host with so much to say needs more memory");
        }
    }

    /** Takes back all that is staged and not sent. */
    void unstage() {
        staged = sent;
    }

    /** Of what is staged, so much is never sent. */
    void cut(long count) {
        staged -= count;
    }

    long stagedBytes() {
        return staged - sent;
    }

    /** Stages the command at {@link Memory#ENTRY}, as it should be, with data that {@link #staged()} + this many bytes of header say. */
    long capsule(int dataBytes) {
        long at = staged;
        int head = TcpPdu.CAPSULE_CMD_BYTES + (headerDigest ? TcpPdu.DIGEST_BYTES : 0);
        boolean digest = dataDigest && dataBytes > 0;
        int plen = head + dataBytes + (digest ? TcpPdu.DIGEST_BYTES : 0);
        int flags = (headerDigest ? TcpPdu.HEADER_DIGEST : 0) | (digest ? TcpPdu.DATA_DIGEST : 0);
        TcpPdu.common(bytes, at, TcpPdu.CAPSULE_CMD, flags, TcpPdu.CAPSULE_CMD_BYTES, dataBytes > 0 ? head : 0, plen);
        MemorySegment.copy(bytes, Memory.ENTRY, bytes, at + TcpPdu.ENTRY_OFFSET, SubmissionEntry.SIZE_BYTES);
        sealHeader(at, TcpPdu.CAPSULE_CMD_BYTES);
        staged(plen);
        return at;
    }

    /** Where the data of a PDU are. */
    long dataOf(long pdu) {
        return pdu + TcpPdu.pdo(bytes, pdu);
    }

    /** Stages an H2CData. */
    long h2cData(int cccid, int ttag, int datao, int datal, boolean last) {
        long at = staged;
        int head = TcpPdu.DATA_BYTES + (headerDigest ? TcpPdu.DIGEST_BYTES : 0);
        int plen = head + datal + (dataDigest ? TcpPdu.DIGEST_BYTES : 0);
        int flags = (headerDigest ? TcpPdu.HEADER_DIGEST : 0)
                | (dataDigest ? TcpPdu.DATA_DIGEST : 0)
                | (last ? TcpPdu.LAST : 0);
        TcpPdu.common(bytes, at, TcpPdu.H2C_DATA, flags, TcpPdu.DATA_BYTES, head, plen);
        TcpPdu.range(bytes, at, cccid, ttag, datao, datal);
        sealHeader(at, TcpPdu.DATA_BYTES);
        staged(plen);
        return at;
    }

    /** Puts the digest behind a header, where there are any. */
    void sealHeader(long at, int hlen) {
        if (headerDigest) {
            TcpPdu.dword(bytes, at + hlen, memory.crc(at, hlen));
        }
    }

    /** Puts the digest behind data, where there are any. */
    void sealData(long pdu, int dataBytes) {
        if (dataDigest && dataBytes > 0) {
            long data = dataOf(pdu);
            TcpPdu.dword(bytes, data + dataBytes, memory.crc(data, dataBytes));
        }
    }

    /** Sends what is staged, the target working between the pieces. */
    void flush() {
        int left = pieces;
        while (sent < staged && !ended) {
            long count = left <= 1 ? staged - sent : 1 + random.nextLong(staged - sent);
            left--;
            long until = sent + count;
            while (sent < until && !ended) {
                send(until);
                if (sent < until) {
                    receive();
                }
            }
            target.cycle();
        }
        sent = Memory.OUT;
        staged = Memory.OUT;
    }

    /** Sends what is staged at once, without a cycle of the target, which there has to be room for. */
    void push() {
        while (sent < staged && !ended) {
            memory.vector.clear();
            memory.vector.add(sent, (int) (staged - sent));
            int count = socket.send(memory.vector);
            assertThat(count).as("room for what a good host sends").isPositive();
            sent += count;
        }
        sent = Memory.OUT;
        staged = Memory.OUT;
    }

    private void send(long until) {
        memory.vector.clear();
        memory.vector.add(sent, (int) (until - sent));
        int count = socket.send(memory.vector);
        if (count == TcpSocket.END) {
            // What the target has to say to it is still to be read.
            sent = until;
        } else if (count == TcpSocket.AGAIN) {
            target.cycle();
        } else {
            sent += count;
        }
    }

    /** Says that nothing more comes. */
    void shutdownOutput() {
        socket.shutdownOutput();
    }

    // What it is told.

    /** The next PDU that has come, or -1; the target has ended the connection when {@link #isEnded} too. */
    long poll() {
        if (parsed == received && !receive()) {
            return -1;
        }
        long at = complete();
        if (at < 0 && receive()) {
            at = complete();
        }
        if (at >= 0) {
            parsed = at + TcpPdu.plen(bytes, at);
        }
        return at;
    }

    private long complete() {
        if (received - parsed < TcpPdu.COMMON_BYTES) {
            return -1;
        }
        long plen = TcpPdu.plen(bytes, parsed);
        if (plen < TcpPdu.CAPSULE_RESP_BYTES || plen > Memory.IN_BYTES / 2) {
            throw new AssertionError("a PDU of " + plen + " bytes");
        }
        return received - parsed < plen ? -1 : parsed;
    }

    private boolean receive() {
        if (ended) {
            return false;
        }
        if (parsed == received) {
            parsed = Memory.IN;
            received = Memory.IN;
        } else if (received - Memory.IN > Memory.IN_BYTES / 2) {
            MemorySegment.copy(bytes, parsed, bytes, Memory.IN, received - parsed);
            received -= parsed - Memory.IN;
            parsed = Memory.IN;
        }
        memory.vector.clear();
        memory.vector.add(received, (int) (Memory.IN + Memory.IN_BYTES - received));
        int count = socket.receive(memory.vector);
        if (count == TcpSocket.END) {
            ended = true;
        } else if (count > 0) {
            received += count;
            return true;
        }
        return false;
    }

    /** The next PDU, or -1 at the end of the connection; the target works meanwhile. */
    long await() {
        long begun = 0;
        for (int cycle = 0; ; cycle++) {
            long at = poll();
            if (at >= 0 || isEnded()) {
                return at;
            }
            target.cycle();
            if (cycle == PATIENT_CYCLES) {
                begun = System.nanoTime();
            } else if (cycle > PATIENT_CYCLES) {
                // Another thread has something to do.
                Thread.yield();
                assertThat(System.nanoTime() - begun).as("it hangs").isLessThan(HANG_NANOS);
            }
        }
    }

    /** Whether the target has ended the connection, and everything that it said is read. */
    boolean isEnded() {
        return ended && received - parsed < TcpPdu.COMMON_BYTES;
    }

    /** Initializes the connection. */
    void initialize(int digests) {
        long at = staged();
        TcpPdu.initialize(bytes, at, TcpPdu.ICREQ, 0, digests, 0);
        staged(TcpPdu.IC_BYTES);
        flush();
        long answer = await();
        assertThat(answer).isNotNegative();
        assertThat(TcpPdu.type(bytes, answer)).isEqualTo(TcpPdu.ICRESP);
        assertThat(TcpPdu.dgst(bytes, answer)).isEqualTo(digests);
        headerDigest = (digests & 1) != 0;
        dataDigest = (digests & 2) != 0;
    }

    /** The host ends it; the target is to see that. */
    void close() {
        if (!closed) {
            closed = true;
            socket.close();
        }
    }
}
