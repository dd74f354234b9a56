package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.TcpPdu;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/** Connects whose command or data are wrong, and what NVMe Base 2.1 §6.3 "Connect command" answers: a status, and which parameter it is about. */
final class FuzzConnects {
    private static final long IN_DATA = 1 << 16;
    private static final int DATA = ConnectData.SIZE_BYTES;

    private final Random random;
    private final int maxEntries;

    /** Statuses with results that are right; a result of -1 for any. */
    private record Right(int status, long result) {}

    private final List<Right> right = new ArrayList<>();

    FuzzConnects(Random random, int maxEntries) {
        this.random = random;
        this.maxEntries = maxEntries;
    }

    private boolean oneIn(int n) {
        return random.nextInt(n) == 0;
    }

    private void invalid(long result) {
        right.add(new Right(FabricsStatus.CONNECT_INVALID_PARAMETERS, result));
    }

    /**
     * Sends one that is wrong on a connection that is initialized and no queue yet. Returns whether it was wrong; when it was not, the
     * connection is a queue now.
     *
     * @param cntlid a controller of {@link FuzzTest#EXACT} of the same host that is enabled
     */
    boolean refused(FuzzHost host, int cntlid) {
        right.clear();
        boolean io = oneIn(2);
        int qid = io ? 1 + random.nextInt(3) : 0;
        int recfmt = 0;
        int sqsize = 1 + random.nextInt(maxEntries - 1);
        int controller = io ? cntlid : FabricsCommand.DYNAMIC_CONTROLLER;
        var data = host.connectData(FuzzTest.EXACT, controller);
        int identifier = RawHost.CAPSULE;
        int length = DATA;
        switch (random.nextInt(10)) {
            case 0 -> recfmt = 1 + random.nextInt(0xFFFF);
            case 1 -> sqsize = oneIn(2) ? 0 : maxEntries + random.nextInt(0x10000 - maxEntries);
            case 2 -> qid = io ? 17 + random.nextInt(0xFFFF - 17) : 0;
            case 3 -> ConnectData.CNTLID.set(data, random.nextInt(0x10000));
            case 4 -> name(data, ConnectData.SUBNQN.offset());
            case 5 -> name(data, ConnectData.HOSTNQN.offset());
            case 6 -> ConnectData.HOSTID.set(data, new UUID(random.nextLong(), random.nextLong()));
            case 7 -> length = oneIn(2) ? random.nextInt() : DATA + (oneIn(2) ? 1 : -1);
            case 8 -> identifier = random.nextInt(256) & 0xF1;
            default -> ConnectData.SUBNQN.set(data, oneIn(2) ? FuzzTest.CLOSED : Nqn.DISCOVERY);
        }
        collect(data, qid, recfmt, sqsize, cntlid, identifier, Integer.toUnsignedLong(length));
        if (right.isEmpty()) {
            return false;
        }
        host.stageConnect(host.cid(0), qid, recfmt, sqsize, random.nextInt(8) & ~3);
        restage(host, identifier, length);
        host.wire.flush();
        requireRefusal(host);
        return true;
    }

    /** The same capsule with another SGL. */
    private void restage(FuzzHost host, int identifier, int length) {
        host.wire.unstage();
        SubmissionEntry.sgl1(host.bytes, DrivenHost.Memory.ENTRY, identifier, 0, length);
        long pdu = host.wire.capsule(DATA);
        MemorySegment.copy(host.bytes, DrivenHost.Memory.CONNECT, host.bytes, host.wire.dataOf(pdu), DATA);
        host.wire.sealData(pdu, DATA);
    }

    private void name(MemorySegment data, long offset) {
        if (oneIn(2)) {
            data.asSlice(offset, 256).fill((byte) 'x'); // Without an end.
        } else {
            data.set(ValueLayout.JAVA_BYTE, offset + random.nextInt(40), (byte) (1 + random.nextInt(255)));
        }
    }

    private void collect(MemorySegment data, int qid, int recfmt, int sqsize, int cntlid, int identifier, long length) {
        if (identifier != RawHost.CAPSULE) {
            right.add(new Right(Status.SGL_DESCRIPTOR_TYPE_INVALID, -1));
        }
        if (length != DATA) {
            right.add(new Right(Status.DATA_SGL_LENGTH_INVALID, -1));
        }
        if (recfmt != 0) {
            right.add(new Right(FabricsStatus.INCOMPATIBLE_FORMAT, -1));
        }
        if (sqsize == 0 || sqsize >= maxEntries) {
            invalid(FabricsCommand.CONNECT_SQSIZE_OFFSET);
        }
        names(data, qid);
        int controller = ConnectData.CNTLID.get(data);
        boolean elsewhere = !ConnectData.SUBNQN.get(data).equals(FuzzTest.EXACT);
        if (qid == 0) {
            if (controller != FabricsCommand.DYNAMIC_CONTROLLER) {
                invalid(IN_DATA | ConnectData.CNTLID.offset());
            }
        } else {
            if (controller != cntlid || elsewhere) {
                invalid(IN_DATA | ConnectData.CNTLID.offset());
            }
            boolean sameHost = ConnectData.HOSTID.get(data).equals(FuzzHost.HOST_ID);
            if (!sameHost) {
                invalid(IN_DATA | ConnectData.HOSTID.offset());
            }
            if (qid > FuzzTest.IO_QUEUES) {
                right.add(new Right(Status.INVALID_QUEUE_IDENTIFIER, -1));
                invalid(FabricsCommand.CONNECT_QID_OFFSET);
            }
        }
    }

    private void names(MemorySegment data, int qid) {
        var subnqn = ConnectData.isTerminated(ConnectData.SUBNQN, data) ? ConnectData.SUBNQN.get(data) : "";
        boolean known = subnqn.equals(FuzzTest.EXACT) || subnqn.equals(FuzzTest.CLOSED) || subnqn.equals(Nqn.DISCOVERY);
        if (!known) {
            invalid(IN_DATA | ConnectData.SUBNQN.offset());
        }
        if (!ConnectData.isTerminated(ConnectData.HOSTNQN, data)) {
            invalid(IN_DATA | ConnectData.HOSTNQN.offset());
        } else if (qid != 0 && !ConnectData.HOSTNQN.get(data).equals(FuzzHost.HOST)) {
            invalid(IN_DATA | ConnectData.HOSTNQN.offset());
        } else if (ConnectData.HOSTNQN.get(data).chars().anyMatch(Character::isISOControl)) {
            invalid(IN_DATA | ConnectData.HOSTNQN.offset());
        }
        if (subnqn.equals(FuzzTest.CLOSED)) {
            right.add(new Right(FabricsStatus.CONNECT_INVALID_HOST, -1));
        }
    }

    private void requireRefusal(FuzzHost host) {
        long answer = host.wire.await();
        assertThat(answer).as("an answer to Connect").isNotNegative();
        assertThat(TcpPdu.type(host.bytes, answer)).isEqualTo(TcpPdu.CAPSULE_RESP);
        long result = host.bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, answer + TcpPdu.ENTRY_OFFSET);
        long tail = host.bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, answer + TcpPdu.ENTRY_OFFSET + 8);
        int status = Status.code(io.doorbell.nvme.CompletionEntry.status(tail));
        assertThat(right)
                .as("%s, result %x", FabricsStatus.name(status), result)
                .anyMatch(one -> one.status() == status && (one.result() == -1 || one.result() == result));
    }
}
