package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.nvme.TlsKey;
import io.doorbell.nvme.TlsPskIdentity;
import io.doorbell.tcp.tls.TlsSession;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.UUID;
import java.util.zip.CRC32C;

/** A host that writes its PDUs byte by byte, right or wrong. */
final class RawHost implements AutoCloseable {
    static final String HOST = "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555";
    static final UUID HOST_ID = UUID.fromString("11111111-2222-3333-4444-555555555555");
    static final int CAPSULE = SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, SglDescriptor.SUBTYPE_OFFSET);
    static final int TRANSPORT =
            SglDescriptor.identifier(SglDescriptor.TYPE_TRANSPORT_DATA_BLOCK, SglDescriptor.SUBTYPE_TRANSPORT);

    private final Socket socket = new Socket();
    private final DataInputStream in;
    private final OutputStream out;
    boolean headerDigest;
    boolean dataDigest;
    int nextCid = 1;
    String subnqn = Node.NQN;
    String hostnqn = HOST;
    UUID hostId = HOST_ID;
    int kato;

    RawHost(InetSocketAddress address) {
        this(address, 0);
    }

    /** With so much room for what it has not read, or 0 for as much as is usual. */
    RawHost(InetSocketAddress address, int receiveBytes) {
        try {
            if (receiveBytes > 0) {
                socket.setReceiveBufferSize(receiveBytes);
            }
            socket.connect(address, 60_000);
            socket.setSoTimeout(60_000);
            socket.setTcpNoDelay(true);
            in = new DataInputStream(socket.getInputStream());
            out = socket.getOutputStream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Over TLS. */
    RawHost(InetSocketAddress address, TlsKey key, TlsPskIdentity identity) throws IOException {
        socket.connect(address, 60_000);
        socket.setSoTimeout(60_000);
        socket.setTcpNoDelay(true);
        var streams = new SecureStreams(socket, TlsSession.client(key, identity));
        streams.shakeHands();
        in = new DataInputStream(streams.in());
        out = streams.out();
    }

    /** A PDU from the target; {@code digestsRight} whether those it has are. */
    record Pdu(MemorySegment bytes, byte[] data, boolean digestsRight) {
        int type() {
            return TcpPdu.type(bytes, 0);
        }

        int flags() {
            return TcpPdu.flags(bytes, 0);
        }

        int status() {
            assertThat(type()).isEqualTo(TcpPdu.CAPSULE_RESP);
            return CompletionEntry.status(tail());
        }

        private long tail() {
            return bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, TcpPdu.ENTRY_OFFSET + 8);
        }

        int cid() {
            return CompletionEntry.cid(tail());
        }

        int sqhd() {
            return CompletionEntry.sqhd(tail());
        }

        long result() {
            return bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, TcpPdu.ENTRY_OFFSET);
        }
    }

    void write(byte[] bytes) {
        try {
            out.write(bytes);
        } catch (SocketException gone) {
            // What the target has to say to it is still to be read.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Says that nothing more comes. */
    void shutdownOutput() {
        try {
            socket.shutdownOutput();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether {@link #read} finds something without waiting. */
    boolean hasMore() {
        try {
            return in.available() >= TcpPdu.COMMON_BYTES;
        } catch (IOException gone) {
            return false;
        }
    }

    /** Whether the target has closed the connection; what it sent is lost. Does not wait for long. */
    boolean hasEnded() {
        try {
            socket.setSoTimeout(20);
            return in.read() < 0;
        } catch (SocketTimeoutException open) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    /** The next PDU, or null at the end. */
    Pdu read() {
        try {
            var common = new byte[TcpPdu.COMMON_BYTES];
            in.readFully(common);
            var head = MemorySegment.ofArray(common);
            var whole = new byte[(int) TcpPdu.plen(head, 0)];
            System.arraycopy(common, 0, whole, 0, common.length);
            in.readFully(whole, common.length, whole.length - common.length);
            return pdu(MemorySegment.ofArray(whole));
        } catch (EOFException | SocketException end) {
            return null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Pdu pdu(MemorySegment whole) {
        int type = TcpPdu.type(whole, 0);
        int hlen = TcpPdu.hlen(whole, 0);
        int flags = TcpPdu.flags(whole, 0);
        boolean right = true;
        if ((flags & TcpPdu.HEADER_DIGEST) != 0) {
            right = TcpPdu.dword(whole, hlen) == crc(whole.asSlice(0, hlen));
        }
        byte[] data = new byte[0];
        if (type == TcpPdu.C2H_DATA) {
            int pdo = TcpPdu.pdo(whole, 0);
            int count = (int) TcpPdu.datal(whole, 0);
            data = whole.asSlice(pdo, count).toArray(ValueLayout.JAVA_BYTE);
            if ((flags & TcpPdu.DATA_DIGEST) != 0) {
                right &= TcpPdu.dword(whole, pdo + count) == crc(MemorySegment.ofArray(data));
            }
        }
        return new Pdu(whole, data, right);
    }

    static int crc(MemorySegment bytes) {
        var crc = new CRC32C();
        crc.update(bytes.toArray(ValueLayout.JAVA_BYTE));
        return (int) crc.getValue();
    }

    Pdu initialize(int digests) {
        var pdu = new byte[TcpPdu.IC_BYTES];
        TcpPdu.initialize(MemorySegment.ofArray(pdu), 0, TcpPdu.ICREQ, 0, digests, 0);
        write(pdu);
        var answer = read();
        assertThat(answer.type()).isEqualTo(TcpPdu.ICRESP);
        int agreed = TcpPdu.dgst(answer.bytes, 0);
        headerDigest = (agreed & 1) != 0;
        dataDigest = (agreed & 2) != 0;
        return answer;
    }

    /** A command; its SGL is set by {@link #capsule}. */
    static MemorySegment command(int opc, int cid, int nsid, int cdw10, int cdw11, int cdw12) {
        var entry = Arena.ofAuto().allocate(SubmissionEntry.SIZE_BYTES, 8);
        int flags = SubmissionEntry.flags(0, SubmissionEntry.PSDT_SGL);
        SubmissionEntry.encode(entry, 0, opc, flags, cid, nsid, 0, 0, 0, cdw10, cdw11, cdw12, 0, 0, 0);
        return entry;
    }

    /** The capsule of a command, with data or without, as it should be. */
    byte[] capsule(MemorySegment command, byte[] data) {
        int head = TcpPdu.CAPSULE_CMD_BYTES + (headerDigest ? 4 : 0);
        int plen = head + data.length + (data.length > 0 && dataDigest ? 4 : 0);
        var pdu = MemorySegment.ofArray(new byte[plen]);
        int flags =
                (headerDigest ? TcpPdu.HEADER_DIGEST : 0) | (dataDigest && data.length > 0 ? TcpPdu.DATA_DIGEST : 0);
        TcpPdu.common(pdu, 0, TcpPdu.CAPSULE_CMD, flags, TcpPdu.CAPSULE_CMD_BYTES, data.length > 0 ? head : 0, plen);
        MemorySegment.copy(command, 0, pdu, TcpPdu.ENTRY_OFFSET, SubmissionEntry.SIZE_BYTES);
        if (headerDigest) {
            TcpPdu.dword(pdu, TcpPdu.CAPSULE_CMD_BYTES, crc(pdu.asSlice(0, TcpPdu.CAPSULE_CMD_BYTES)));
        }
        MemorySegment.copy(MemorySegment.ofArray(data), 0, pdu, head, data.length);
        if (dataDigest && data.length > 0) {
            TcpPdu.dword(pdu, head + data.length, crc(MemorySegment.ofArray(data)));
        }
        return pdu.toArray(ValueLayout.JAVA_BYTE);
    }

    /** A command without data of its own, or whose data go by PDUs of their own. */
    void send(MemorySegment command, int transferBytes) {
        SubmissionEntry.sgl1(command, 0, TRANSPORT, 0, transferBytes);
        write(capsule(command, new byte[0]));
    }

    void sendInCapsule(MemorySegment command, byte[] data) {
        SubmissionEntry.sgl1(command, 0, CAPSULE, 0, data.length);
        write(capsule(command, data));
    }

    byte[] h2cData(int cid, int ttag, int datao, byte[] data, boolean last) {
        int head = TcpPdu.DATA_BYTES + (headerDigest ? 4 : 0);
        var pdu = MemorySegment.ofArray(new byte[head + data.length + (dataDigest ? 4 : 0)]);
        int flags = (headerDigest ? 1 : 0) | (dataDigest ? 2 : 0) | (last ? TcpPdu.LAST : 0);
        TcpPdu.common(pdu, 0, TcpPdu.H2C_DATA, flags, TcpPdu.DATA_BYTES, head, (int) pdu.byteSize());
        TcpPdu.range(pdu, 0, cid, ttag, datao, data.length);
        if (headerDigest) {
            TcpPdu.dword(pdu, TcpPdu.DATA_BYTES, crc(pdu.asSlice(0, TcpPdu.DATA_BYTES)));
        }
        MemorySegment.copy(MemorySegment.ofArray(data), 0, pdu, head, data.length);
        if (dataDigest) {
            TcpPdu.dword(pdu, head + data.length, crc(MemorySegment.ofArray(data)));
        }
        return pdu.toArray(ValueLayout.JAVA_BYTE);
    }

    Pdu connect(int qid, int entries, int cntlid, int cattr) {
        var data = new byte[ConnectData.SIZE_BYTES];
        var segment = MemorySegment.ofArray(data);
        ConnectData.HOSTID.set(segment, hostId);
        ConnectData.CNTLID.set(segment, cntlid);
        ConnectData.SUBNQN.set(segment, subnqn);
        ConnectData.HOSTNQN.set(segment, hostnqn);
        var command = command(
                AdminOpcode.FABRICS,
                nextCid++,
                FabricsCommand.CONNECT,
                FabricsCommand.connectDword10(0, qid),
                FabricsCommand.connectDword11(entries - 1, cattr),
                kato);
        sendInCapsule(command, data);
        return read();
    }

    /** Admin queue of a new controller, enabled. Returns its identifier. */
    int admin(int digests) {
        initialize(digests);
        var connected = connect(0, 32, 0xFFFF, 0);
        assertThat(connected.status()).isZero();
        send(command(AdminOpcode.FABRICS, nextCid++, FabricsCommand.PROPERTY_SET, 0, Registers.CC, 0x0046_0001), 0);
        assertThat(read().status()).isZero();
        return (int) connected.result();
    }

    RawHost io(int qid, int entries, int cntlid, int cattr, int digests) {
        initialize(digests);
        assertThat(connect(qid, entries, cntlid, cattr).status()).isZero();
        return this;
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
