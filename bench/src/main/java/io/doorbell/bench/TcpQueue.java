package io.doorbell.bench;

import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.TcpPdu;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** One queue of a {@link TcpHost}: a connection, without digests. One thread. */
final class TcpQueue implements AutoCloseable {
    private static final int BUFFER_BYTES = 256 << 10;
    private static final int CAPSULE_SGL =
            SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, SglDescriptor.SUBTYPE_OFFSET);
    private static final int TRANSPORT_SGL =
            SglDescriptor.identifier(SglDescriptor.TYPE_TRANSPORT_DATA_BLOCK, SglDescriptor.SUBTYPE_TRANSPORT);

    /** What any target takes with a Write. */
    private static final int IN_CAPSULE_BYTES = 4096;

    private static final int BLOCK_BYTES = 4096;

    private final Arena arena = Arena.ofShared();
    private final SocketChannel channel;
    private final MemorySegment in = arena.allocate(BUFFER_BYTES, 8);
    private final ByteBuffer inBytes = in.asByteBuffer();
    private final MemorySegment entry = arena.allocate(SubmissionEntry.SIZE_BYTES, 8);
    private final MemorySegment out;
    private final ByteBuffer outBytes;

    /** Where the next byte is put, and of what is there already how much has been looked at. */
    private int filled;

    private int outFilled;

    /** Data of a PDU that are still to come. */
    private long skip;

    private long result;
    private Load load;
    private long blocks;

    TcpQueue(InetSocketAddress address, int depth) throws IOException {
        // A command and all its data for each that is in flight, so that there is room whatever a target does.
        out = arena.allocate((long) depth * (TcpPdu.CAPSULE_CMD_BYTES + TcpPdu.DATA_BYTES + (128 << 10)) + 4096, 8);
        outBytes = out.asByteBuffer();
        channel = SocketChannel.open();
        try {
            channel.connect(address);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        } catch (IOException failed) {
            close();
            throw failed;
        }
    }

    /** ICReq, and its answer. */
    void initialize() throws IOException {
        TcpPdu.initialize(out, 0, TcpPdu.ICREQ, 0, 0, 0);
        outFilled = TcpPdu.IC_BYTES;
        flush();
        while (filled < TcpPdu.IC_BYTES) {
            receive();
        }
        if (TcpPdu.type(in, 0) != TcpPdu.ICRESP) {
            throw new IOException("the answer to ICReq is " + TcpPdu.name(TcpPdu.type(in, 0)));
        }
        filled = 0;
    }

    /** A command of the control path, with data in its capsule, or null. */
    void send(int opc, int nsid, int cdw10, int cdw11, int cdw12, MemorySegment data, int bytes) throws IOException {
        command(opc, 0, nsid, cdw10, cdw11, cdw12, data != null ? CAPSULE_SGL : TRANSPORT_SGL, bytes, bytes);
        if (data != null) {
            MemorySegment.copy(data, 0, out, outFilled - bytes, bytes);
        }
        flush();
    }

    /** Waits for the answer to {@link #send}. */
    long result() throws IOException {
        while (take() == 0) {
            receive();
        }
        return result;
    }

    private void command(
            int opc, int cid, int nsid, int cdw10, int cdw11, int cdw12, int sgl, int bytes, int capsuleBytes) {
        int inCapsule = sgl == CAPSULE_SGL ? capsuleBytes : 0;
        int at = outFilled;
        TcpPdu.common(
                out,
                at,
                TcpPdu.CAPSULE_CMD,
                0,
                TcpPdu.CAPSULE_CMD_BYTES,
                inCapsule > 0 ? TcpPdu.CAPSULE_CMD_BYTES : 0,
                TcpPdu.CAPSULE_CMD_BYTES + inCapsule);
        int flags = SubmissionEntry.flags(0, SubmissionEntry.PSDT_SGL);
        SubmissionEntry.encode(entry, 0, opc, flags, cid, nsid, 0, 0, 0, cdw10, cdw11, cdw12, 0, 0, 0);
        SubmissionEntry.sgl1(entry, 0, sgl, 0, bytes);
        MemorySegment.copy(entry, 0, out, (long) at + TcpPdu.ENTRY_OFFSET, SubmissionEntry.SIZE_BYTES);
        outFilled = at + TcpPdu.CAPSULE_CMD_BYTES + inCapsule;
    }

    /** Puts so many commands of a load in flight; each that ends is followed by another. Not for admin queues. */
    void begin(Load load, int depth) throws IOException {
        this.load = load;
        channel.configureBlocking(false);
        for (int i = 0; i < depth; i++) {
            next(i);
        }
        flush();
    }

    private void next(int cid) {
        int nlbZeroBased = load.bytes() / BLOCK_BYTES - 1;
        blocks = blocks * 0x5DEECE66DL + 0xB & 0xFFFF_FFFFL;
        int slba = (int) (blocks >>> 8 & 0xFFFF) * (nlbZeroBased + 1);
        boolean capsule = !load.isRead() && load.bytes() <= IN_CAPSULE_BYTES;
        command(
                load.isRead() ? NvmOpcode.READ : NvmOpcode.WRITE,
                cid,
                1,
                slba,
                0,
                nlbZeroBased,
                capsule ? CAPSULE_SGL : TRANSPORT_SGL,
                load.bytes(),
                load.bytes());
    }

    /** Takes what has come and sends what follows. Returns how many commands ended. */
    int poll() throws IOException {
        if (outFilled > 0) {
            flush();
        }
        if (!receive()) {
            return 0;
        }
        int ended = take();
        if (outFilled > 0) {
            flush();
        }
        return ended;
    }

    private boolean receive() throws IOException {
        inBytes.limit(BUFFER_BYTES).position(filled);
        int count = channel.read(inBytes);
        if (count < 0) {
            throw new EOFException("the target has ended the connection");
        }
        filled += count;
        return count > 0;
    }

    /** Looks at the PDUs that are there. Returns how many commands ended. */
    private int take() throws IOException {
        int at = 0;
        int ended = 0;
        while (true) {
            int data = (int) Math.min(skip, filled - at);
            at += data;
            skip -= data;
            if (filled - at < TcpPdu.DATA_BYTES) {
                break;
            }
            ended += pdu(at);
            at += TcpPdu.DATA_BYTES;
        }
        MemorySegment.copy(in, at, in, 0, filled - at);
        filled -= at;
        return ended;
    }

    /** Takes a header, of which those that targets send have all the same length. */
    private int pdu(int at) throws IOException {
        skip = TcpPdu.plen(in, at) - TcpPdu.DATA_BYTES;
        switch (TcpPdu.type(in, at)) {
            case TcpPdu.C2H_DATA -> {
                if ((TcpPdu.flags(in, at) & TcpPdu.SUCCESS) == 0) {
                    return 0;
                }
                next(TcpPdu.cccid(in, at));
                return 1;
            }
            case TcpPdu.CAPSULE_RESP -> {
                long tail = in.get(ValueLayout.JAVA_LONG_UNALIGNED, at + TcpPdu.ENTRY_OFFSET + 8);
                result = in.get(ValueLayout.JAVA_LONG_UNALIGNED, at + TcpPdu.ENTRY_OFFSET);
                if (CompletionEntry.status(tail) != 0) {
                    throw new IOException("a command ends with " + Integer.toHexString(CompletionEntry.status(tail)));
                }
                if (load != null) {
                    next(CompletionEntry.cid(tail));
                }
                return 1;
            }
            case TcpPdu.R2T -> {
                data(TcpPdu.cccid(in, at), TcpPdu.ttag(in, at), TcpPdu.datao(in, at), (int) TcpPdu.datal(in, at));
                return 0;
            }
            default -> throw new IOException("the target sends " + TcpPdu.name(TcpPdu.type(in, at)));
        }
    }

    /** The data of a Write, whatever they are. */
    private void data(int cid, int ttag, long offset, int bytes) {
        int at = outFilled;
        int plen = TcpPdu.DATA_BYTES + bytes;
        TcpPdu.common(out, at, TcpPdu.H2C_DATA, TcpPdu.LAST, TcpPdu.DATA_BYTES, TcpPdu.DATA_BYTES, plen);
        TcpPdu.range(out, at, cid, ttag, (int) offset, bytes);
        outFilled = at + plen;
    }

    /** Sends as much as there is room for; what is left goes first the next time. */
    private void flush() throws IOException {
        outBytes.limit(outFilled).position(0);
        channel.write(outBytes);
        while (channel.isBlocking() && outBytes.hasRemaining()) {
            channel.write(outBytes);
        }
        int left = outBytes.remaining();
        if (left > 0) {
            MemorySegment.copy(out, outFilled - left, out, 0, left);
        }
        outFilled = left;
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException gone) {
            // Nothing more was to be said.
        }
        arena.close();
    }
}
