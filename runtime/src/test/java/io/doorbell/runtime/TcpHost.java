package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.TcpPdu;
import java.io.DataInputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/** One queue of an NVMe/TCP host, one command at a time. Throws {@link IOException} when the connection ends. */
final class TcpHost implements AutoCloseable {
    private static final UUID HOST_ID = UUID.fromString("11111111-2222-3333-4444-555555555555");
    static final String HOST_NQN = "nqn.2014-08.org.nvmexpress:uuid:" + HOST_ID;
    private static final int BOUND_MILLIS = 150_000;
    private static final int ENTRIES = 32;
    private static final int ENABLE = 0x0046_0001;

    private final Socket socket;
    private final DataInputStream in;
    private int cid;
    private long result;

    /** Connects a queue, and enables the controller if that is a new one. */
    TcpHost(int port, String subnqn, int qid, int controllerId) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        try {
            socket.setSoTimeout(BOUND_MILLIS);
            socket.setTcpNoDelay(true);
            in = new DataInputStream(socket.getInputStream());
            initialize();
            int status = connect(subnqn, qid, controllerId);
            if (status != Status.SUCCESS) {
                throw new IOException("Connect of queue " + qid + ": " + Status.name(status));
            }
            if (qid == 0) {
                long id = result;
                var enable = command(AdminOpcode.FABRICS, FabricsCommand.PROPERTY_SET, 0, Registers.CC, ENABLE);
                status = run(enable, new byte[0], null);
                if (status != Status.SUCCESS) {
                    throw new IOException("enabling: " + Status.name(status));
                }
                result = id;
            }
        } catch (IOException | RuntimeException failed) {
            socket.close();
            throw failed;
        }
    }

    /** A port of the loopback that nobody has just now. */
    static int freePort() throws IOException {
        try (var any = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return any.getLocalPort();
        }
    }

    /** Of the controller that Connect made. */
    int controllerId() {
        return (int) result & 0xFFFF;
    }

    private void initialize() throws IOException {
        var pdu = new byte[TcpPdu.IC_BYTES];
        TcpPdu.initialize(MemorySegment.ofArray(pdu), 0, TcpPdu.ICREQ, 0, 0, 0);
        socket.getOutputStream().write(pdu);
        assertThat(TcpPdu.type(read(), 0)).isEqualTo(TcpPdu.ICRESP);
    }

    private int connect(String subnqn, int qid, int controllerId) throws IOException {
        var data = new byte[ConnectData.SIZE_BYTES];
        var segment = MemorySegment.ofArray(data);
        ConnectData.HOSTID.set(segment, HOST_ID);
        ConnectData.CNTLID.set(segment, controllerId);
        ConnectData.SUBNQN.set(segment, subnqn);
        ConnectData.HOSTNQN.set(segment, HOST_NQN);
        var entry = command(
                AdminOpcode.FABRICS,
                FabricsCommand.CONNECT,
                FabricsCommand.connectDword10(0, qid),
                FabricsCommand.connectDword11(ENTRIES - 1, 0),
                0);
        return run(entry, data, null);
    }

    static MemorySegment command(int opc, int nsid, int cdw10, int cdw11, int cdw12) {
        var entry = Arena.ofAuto().allocate(SubmissionEntry.SIZE_BYTES, 8);
        int flags = SubmissionEntry.flags(0, SubmissionEntry.PSDT_SGL);
        SubmissionEntry.encode(entry, 0, opc, flags, 0, nsid, 0, 0, 0, cdw10, cdw11, cdw12, 0, 0, 0);
        return entry;
    }

    /**
     * Runs a command and waits for its end.
     *
     * @param out what it brings along
     * @param data what it fetches, or null
     * @return the status
     */
    int run(MemorySegment entry, byte[] out, byte[] data) throws IOException {
        cid = cid % 0xFFFF + 1;
        SubmissionEntry.cid(entry, 0, cid);
        if (data == null) {
            int kind = SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, SglDescriptor.SUBTYPE_OFFSET);
            SubmissionEntry.sgl1(entry, 0, kind, 0, out.length);
        } else {
            int kind =
                    SglDescriptor.identifier(SglDescriptor.TYPE_TRANSPORT_DATA_BLOCK, SglDescriptor.SUBTYPE_TRANSPORT);
            SubmissionEntry.sgl1(entry, 0, kind, 0, data.length);
        }
        int head = TcpPdu.CAPSULE_CMD_BYTES;
        var pdu = MemorySegment.ofArray(new byte[head + out.length]);
        TcpPdu.common(pdu, 0, TcpPdu.CAPSULE_CMD, 0, head, out.length > 0 ? head : 0, head + out.length);
        MemorySegment.copy(entry, 0, pdu, TcpPdu.ENTRY_OFFSET, SubmissionEntry.SIZE_BYTES);
        MemorySegment.copy(MemorySegment.ofArray(out), 0, pdu, head, out.length);
        socket.getOutputStream().write(pdu.toArray(ValueLayout.JAVA_BYTE));
        while (true) {
            var answer = read();
            if (TcpPdu.type(answer, 0) == TcpPdu.C2H_DATA) {
                int at = (int) TcpPdu.datao(answer, 0);
                MemorySegment.copy(
                        answer, ValueLayout.JAVA_BYTE, TcpPdu.pdo(answer, 0), data, at, (int) TcpPdu.datal(answer, 0));
                if ((TcpPdu.flags(answer, 0) & TcpPdu.SUCCESS) != 0) {
                    return Status.SUCCESS;
                }
                continue;
            }
            assertThat(TcpPdu.type(answer, 0)).isEqualTo(TcpPdu.CAPSULE_RESP);
            long tail = answer.get(ValueLayout.JAVA_LONG_UNALIGNED, TcpPdu.ENTRY_OFFSET + 8);
            assertThat(CompletionEntry.cid(tail)).isEqualTo(cid);
            result = answer.get(ValueLayout.JAVA_LONG_UNALIGNED, TcpPdu.ENTRY_OFFSET);
            return CompletionEntry.status(tail);
        }
    }

    /** Of an admin queue: the namespaces that the controller has. */
    List<Integer> activeNamespaces() throws IOException {
        var page = new byte[IdentifyCns.DATA_BYTES];
        var entry = command(AdminOpcode.IDENTIFY, 0, IdentifyCns.ACTIVE_NAMESPACE_LIST, 0, 0);
        assertThat(run(entry, new byte[0], page)).isZero();
        return Arrays.stream(NamespaceList.read(MemorySegment.ofArray(page), 0))
                .boxed()
                .toList();
    }

    private MemorySegment read() throws IOException {
        var common = new byte[TcpPdu.COMMON_BYTES];
        in.readFully(common);
        var whole = new byte[(int) TcpPdu.plen(MemorySegment.ofArray(common), 0)];
        System.arraycopy(common, 0, whole, 0, common.length);
        in.readFully(whole, common.length, whole.length - common.length);
        return MemorySegment.ofArray(whole);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
