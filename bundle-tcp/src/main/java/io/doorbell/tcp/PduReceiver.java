package io.doorbell.tcp;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.platform.SocketVector;
import io.doorbell.platform.TcpSocket;
import java.lang.foreign.MemorySegment;

/**
 * What a host sends, taken apart. NVMe over TCP Transport 1.1 §3.6 "NVMe/TCP PDUs", with the checks of §3.4 "Error Handling Model": nothing a
 * host names is used before it is compared with what there is.
 *
 * <p>Bytes come into the reactor's buffer, and data that have a place straight to it. What is left in the buffer after a call is the beginning
 * of a header at most, and kept in the connection. Owner: the reactor.
 */
final class PduReceiver {
    /** Calls in one cycle, so that a host that always has something to say leaves time for others. */
    private static final int CALLS_PER_CYCLE = 4;

    private static final int ALL_FLAGS = TcpPdu.HEADER_DIGEST | TcpPdu.DATA_DIGEST | TcpPdu.LAST | TcpPdu.SUCCESS;
    private static final int MAX_PDA = 31;

    private static final int CAPSULE_SGL =
            SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, SglDescriptor.SUBTYPE_OFFSET);
    private static final int TRANSPORT_SGL =
            SglDescriptor.identifier(SglDescriptor.TYPE_TRANSPORT_DATA_BLOCK, SglDescriptor.SUBTYPE_TRANSPORT);

    /** Before Connect, and on admin queues, capsules may bring this much. §3.5 "Capsules and Data Transfer". */
    private static final int ADMIN_CAPSULE_BYTES = 8192;

    private static final int HEADER = 0;
    private static final int DATA = 1;
    private static final int DATA_DIGEST = 2;

    private final TcpConnection connection;
    private final TcpReactor owner;
    private final MemorySegment memory;
    private final long carryBase;

    private int state = HEADER;
    private int carried;
    private boolean initialized;

    /** The command whose data come, or null where they are to be skipped. */
    private TcpRequest request;

    /** Where in the command's data the next byte goes, how many come, and where this PDU's began. */
    private int dataAt;

    private int dataLeft;
    private int dataBegan;
    private int dataBytes;
    private boolean digestFollows;
    private boolean last;

    private long offending;
    private int offendingBytes;

    PduReceiver(TcpConnection connection, long carryBase) {
        this.connection = connection;
        this.carryBase = carryBase;
        owner = connection.owner;
        memory = owner.memory;
    }

    boolean isInitialized() {
        return initialized;
    }

    /** Bytes that are to come of what has begun, apart from data that were asked for. */
    int owed() {
        if (state == DATA) {
            return request == null || request.capsuleBytes > 0 ? dataLeft : 0;
        }
        return state == DATA_DIGEST || carried > 0 ? TcpReactor.CARRY_BYTES : 0;
    }

    /** Where the header is that a {@link Violation} is about. */
    long offending() {
        return offending;
    }

    int offendingBytes() {
        return offendingBytes;
    }

    /** Receives what is there. Returns how many bytes, or {@link TcpSocket#END} when the host has ended the connection. */
    int receive() {
        int received = 0;
        for (int call = 0; call < CALLS_PER_CYCLE; call++) {
            var in = owner.in;
            if (!stage(in, owner.receiveBase, connection.receivable())) {
                connection.reading(false);
                owner.starved(connection);
                return received;
            }
            long wanted = in.bytes();
            int count = connection.receive(in);
            if (count == TcpSocket.END) {
                return TcpSocket.END;
            }
            if (count == TcpSocket.AGAIN) {
                return received;
            }
            received += count;
            take(count, owner.receiveBase);
            if (count < wanted || connection.isDoomed) {
                return received;
            }
        }
        return received;
    }

    /**
     * Names the places of what comes next: of data that have one, and then so much of a buffer, which begins with what is left of the call
     * before. Returns false when there is no place for anything.
     */
    boolean stage(SocketVector in, long buffer, int room) {
        int data = straight();
        in.clear();
        if (room == 0 && data == 0) {
            return false;
        }
        if (data > 0) {
            place(in, data);
        }
        if (carried > 0) {
            MemorySegment.copy(memory, carryBase, memory, buffer, carried);
        }
        if (room > 0) {
            in.add(buffer + carried, room);
        }
        return true;
    }

    /** Bytes that go straight to where they belong. */
    private int straight() {
        return state == DATA && request != null ? dataLeft : 0;
    }

    /** Takes what came to the places that {@link #stage} named. */
    void take(int count, long buffer) {
        connection.moved(count);
        int straight = Math.min(count, straight());
        dataAt += straight;
        dataLeft -= straight;
        int end = carried + count - straight;
        carried = 0;
        parse(buffer, buffer + end);
    }

    /** Throws away what is there. */
    int discard() {
        var in = owner.in;
        in.clear();
        in.add(owner.receiveBase, TcpReactor.RECEIVE_BYTES);
        return connection.receive(in);
    }

    /** The places of the next {@code count} bytes of data. */
    private void place(SocketVector in, int count) {
        int skip = dataAt;
        int left = count;
        for (int i = 0; i < request.pieceCount && left > 0; i++) {
            int size = request.pieceBytes[i];
            if (skip >= size) {
                skip -= size;
                continue;
            }
            int part = Math.min(size - skip, left);
            in.add(request.pieceOffsets[i] + skip, part);
            left -= part;
            skip = 0;
        }
    }

    private void parse(long from, long end) {
        long at = from;
        while (true) {
            if (state == DATA) {
                at = takeData(at, end);
                if (dataLeft > 0) {
                    return;
                }
                state = digestFollows ? DATA_DIGEST : HEADER;
                if (!digestFollows) {
                    dataEnds(end - at);
                }
                continue;
            }
            int needed = state == DATA_DIGEST ? TcpPdu.DIGEST_BYTES : headerBytes(at, end);
            if (end - at < needed) {
                carry(at, (int) (end - at));
                return;
            }
            if (state == DATA_DIGEST) {
                state = HEADER;
                checkDataDigest(TcpPdu.dword(memory, at));
                at += needed;
                dataEnds(end - at);
            } else {
                at = pdu(at, needed, end);
                connection.sender.sendMuch();
            }
        }
    }

    private void carry(long at, int count) {
        MemorySegment.copy(memory, at, memory, carryBase, count);
        carried = count;
    }

    private long takeData(long at, long end) {
        int part = (int) Math.min(dataLeft, end - at);
        if (part > 0) {
            if (request != null) {
                copy(at, part);
            }
            dataAt += part;
            dataLeft -= part;
        }
        return at + part;
    }

    private void copy(long at, int count) {
        int skip = dataAt;
        int left = count;
        long from = at;
        for (int i = 0; i < request.pieceCount && left > 0; i++) {
            int size = request.pieceBytes[i];
            if (skip >= size) {
                skip -= size;
                continue;
            }
            int part = Math.min(size - skip, left);
            MemorySegment.copy(memory, from, memory, request.pieceOffsets[i] + skip, part);
            from += part;
            left -= part;
            skip = 0;
        }
    }

    private void checkDataDigest(int digest) {
        // Skipped data have nobody to be wrong for.
        if (request != null && digest != owner.checksum.of(request, dataBegan, dataBytes)) {
            request.failure = Status.TRANSIENT_TRANSPORT_ERROR;
        }
    }

    private void dataEnds(long behind) {
        var complete = request;
        request = null;
        if (complete == null) {
            return;
        }
        if (complete.capsuleBytes > 0) {
            connection.dataComplete(complete);
            return;
        }
        complete.received += dataBytes;
        if (last) {
            connection.dataComplete(complete);
        } else {
            complete.state = TcpRequest.AWAITS_DATA;
        }
    }

    // Headers.

    /** Bytes that have to be there before a PDU is looked into: its header with digest and padding; or more than there is. */
    private int headerBytes(long at, long end) {
        if (end - at < TcpPdu.COMMON_BYTES) {
            return TcpPdu.COMMON_BYTES;
        }
        offending = at;
        offendingBytes = TcpPdu.COMMON_BYTES;
        int type = TcpPdu.type(memory, at);
        int hlen = TcpPdu.hlen(memory, at);
        int pdo = TcpPdu.pdo(memory, at);
        long plen = TcpPdu.plen(memory, at);
        boolean sequence = initialized ? type == TcpPdu.ICREQ : type != TcpPdu.ICREQ && type != TcpPdu.H2C_TERM_REQ;
        int expected = switch (type) {
            case TcpPdu.ICREQ -> TcpPdu.IC_BYTES;
            case TcpPdu.CAPSULE_CMD -> TcpPdu.CAPSULE_CMD_BYTES;
            case TcpPdu.H2C_DATA -> TcpPdu.DATA_BYTES;
            case TcpPdu.H2C_TERM_REQ -> TcpPdu.TERM_REQ_BYTES;
            default -> throw Violation.field(TcpPdu.TYPE_OFFSET, TcpPdu.name(type) + " is nothing a host sends");
        };
        if (sequence) {
            throw Violation.sequence(TcpPdu.name(type) + (initialized ? " again" : " before ICReq"));
        }
        if (hlen != expected) {
            throw Violation.field(TcpPdu.HLEN_OFFSET, TcpPdu.name(type) + " with a header of " + hlen);
        }
        if (type == TcpPdu.ICREQ || type == TcpPdu.H2C_TERM_REQ) {
            long most = type == TcpPdu.ICREQ ? hlen : hlen + TcpPdu.TERM_REQ_DATA_BYTES;
            if (plen < hlen || plen > most) {
                throw Violation.field(TcpPdu.PLEN_OFFSET, TcpPdu.name(type) + " of " + plen + " bytes");
            }
            return (int) plen;
        }
        int head = hlen + (connection.sender.headerDigest ? TcpPdu.DIGEST_BYTES : 0);
        checkFlags(type, TcpPdu.flags(memory, at), plen > head);
        if (plen == head && type == TcpPdu.CAPSULE_CMD) {
            return head;
        }
        if (plen <= head) {
            throw Violation.field(TcpPdu.PLEN_OFFSET, TcpPdu.name(type) + " of " + plen + " bytes");
        }
        if (pdo < head || pdo % 4 != 0 || pdo > plen) {
            throw Violation.field(TcpPdu.PDO_OFFSET, "data at " + pdo + " of a " + TcpPdu.name(type));
        }
        return pdo;
    }

    private void checkFlags(int type, int flags, boolean data) {
        boolean wrong = ((flags & TcpPdu.HEADER_DIGEST) != 0) != connection.sender.headerDigest
                || (data && ((flags & TcpPdu.DATA_DIGEST) != 0) != connection.sender.dataDigest)
                || (flags & ~ALL_FLAGS) != 0
                || (flags & TcpPdu.SUCCESS) != 0
                || (type == TcpPdu.CAPSULE_CMD && (flags & TcpPdu.LAST) != 0);
        if (wrong) {
            throw Violation.field(TcpPdu.FLAGS_OFFSET, String.format("flags %02Xh of a %s", flags, TcpPdu.name(type)));
        }
    }

    /** Takes a PDU whose header is there. Returns where what follows begins. */
    private long pdu(long at, int headerBytes, long end) {
        int type = TcpPdu.type(memory, at);
        int hlen = TcpPdu.hlen(memory, at);
        offending = at;
        offendingBytes = Math.min(hlen, TcpPdu.TERM_REQ_DATA_BYTES);
        if (type == TcpPdu.CAPSULE_CMD || type == TcpPdu.H2C_DATA) {
            if (connection.sender.headerDigest) {
                int digest = TcpPdu.dword(memory, at + hlen);
                if (digest != owner.checksum.of(at, hlen)) {
                    throw new Violation(TcpPdu.HEADER_DIGEST_ERROR, digest, "a header that is not what was sent");
                }
            }
            int head = hlen + (connection.sender.headerDigest ? TcpPdu.DIGEST_BYTES : 0);
            long plen = TcpPdu.plen(memory, at);
            digestFollows = connection.sender.dataDigest && plen > head;
            long data = plen == head ? 0 : plen - headerBytes - (digestFollows ? TcpPdu.DIGEST_BYTES : 0);
            if (data <= 0 && plen > head) {
                throw Violation.field(TcpPdu.PLEN_OFFSET, "data of no bytes");
            }
            if (type == TcpPdu.CAPSULE_CMD) {
                capsule(at, data, end - at - headerBytes);
            } else {
                data(at, data);
            }
        } else if (type == TcpPdu.ICREQ) {
            initialize(at);
        } else {
            int fes = TcpPdu.fes(memory, at);
            connection.disconnect("the host ends it by " + TcpPdu.errorName(fes) + " at "
                    + Integer.toUnsignedString(TcpPdu.fei(memory, at)));
            return end;
        }
        return at + headerBytes;
    }

    private void initialize(long at) {
        if (TcpPdu.pfv(memory, at) != 0) {
            throw new Violation(TcpPdu.UNSUPPORTED_PARAMETER, TcpPdu.PFV_OFFSET, "PFV " + TcpPdu.pfv(memory, at));
        }
        int pda = TcpPdu.pdaZeroBased(memory, at);
        if (pda > MAX_PDA) {
            throw Violation.field(TcpPdu.PDA_OFFSET, "HPDA " + pda);
        }
        int digests = TcpPdu.dgst(memory, at);
        if ((digests & ~3) != 0) {
            throw Violation.field(TcpPdu.DGST_OFFSET, "DGST " + digests);
        }
        initialized = true;
        int offered = (owner.settings.headerDigest() ? 1 : 0) | (owner.settings.dataDigest() ? 2 : 0);
        connection.sender.initialized(pda, digests & offered);
    }

    // Commands.

    private void capsule(long at, long data, long behind) {
        int most = connection.queue.isAdmin() ? ADMIN_CAPSULE_BYTES : owner.settings.inCapsuleBytes();
        var command = connection.take();
        if (command == null) {
            throw Violation.sequence("more commands than the queue has entries");
        }
        command.fetch(memory, at + TcpPdu.ENTRY_OFFSET);
        if (data > most && !(command.opc == AdminOpcode.FABRICS && data <= ADMIN_CAPSULE_BYTES)) {
            throw new Violation(TcpPdu.LIMIT_EXCEEDED, 0, data + " bytes in a capsule");
        }
        if (data > 0) {
            skip((int) data);
        }
        int status = connection.queue.admit(command);
        if (status == Status.SUCCESS && command.dataBytes > 0) {
            status = checkData(command, data);
        }
        if (status != Status.SUCCESS) {
            connection.refuse(command, status);
        } else if (command.dataBytes == 0) {
            connection.execute(command);
        } else if (command.dataToHost || command.sglIdentifier(memory) == TRANSPORT_SGL) {
            // What is in the buffer may bring data along, and that has to find a place.
            connection.prepare(command, 1 + (int) (Math.max(0, behind - data) / TcpPdu.CAPSULE_CMD_BYTES));
        } else {
            connection.allocateForCapsule(command, (int) data);
            command.capsuleBytes = (int) data;
            command.state = TcpRequest.RECEIVING;
            request = command;
        }
    }

    /** Data that nobody wants, until somebody does. */
    private void skip(int count) {
        state = DATA;
        request = null;
        dataAt = 0;
        dataBegan = 0;
        dataBytes = count;
        dataLeft = count;
    }

    /** Whether the command's SGL says what its data are. */
    private int checkData(TcpRequest command, long inCapsule) {
        if (command.psdt() != SubmissionEntry.PSDT_SGL) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        // With metadata among the blocks it is a little more than the longest transfer. What is far more would never
        // find memory.
        if (command.dataBytes > 2 * owner.settings.maxTransferBytes()) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        int identifier = command.sglIdentifier(memory);
        long length = command.sglLength(memory);
        if (identifier == CAPSULE_SGL && !command.dataToHost) {
            long offset = command.sglAddress(memory);
            if (offset < 0 || offset > inCapsule) {
                return Status.SGL_OFFSET_INVALID | Status.DNR;
            }
            if (length > inCapsule - offset) {
                return Status.DATA_SGL_LENGTH_INVALID | Status.DNR;
            }
        } else if (identifier != TRANSPORT_SGL) {
            return Status.SGL_DESCRIPTOR_TYPE_INVALID | Status.DNR;
        }
        if (length == command.dataBytes) {
            return Status.SUCCESS;
        }
        // Hosts send whole pages with Dataset Management, whatever the number of its ranges.
        boolean more = length > command.dataBytes
                && command.opc == NvmOpcode.DATASET_MANAGEMENT
                && !connection.queue.isAdmin();
        return more ? Status.SUCCESS : Status.DATA_SGL_LENGTH_INVALID | Status.DNR;
    }

    private void data(long at, long count) {
        int ttag = TcpPdu.ttag(memory, at);
        long datao = TcpPdu.datao(memory, at);
        long datal = TcpPdu.datal(memory, at);
        var command = connection.request(ttag);
        if (command == null || command.state != TcpRequest.AWAITS_DATA) {
            throw Violation.field(TcpPdu.TTAG_OFFSET, "data of transfer " + ttag + ", which nobody asked for");
        }
        if (command.cid != TcpPdu.cccid(memory, at)) {
            throw Violation.field(TcpPdu.CCCID_OFFSET, "data of transfer " + ttag + " for another command");
        }
        if (datal != count || count == 0) {
            throw Violation.field(TcpPdu.DATAL_OFFSET, datal + " bytes where there are " + count);
        }
        if (datao != command.received || datao + datal > command.dataBytes) {
            throw new Violation(
                    TcpPdu.DATA_OUT_OF_RANGE,
                    0,
                    datal + " bytes at " + datao + " where " + command.received + " of " + command.dataBytes
                            + " are there");
        }
        if (datal > owner.settings.maxTransferBytes()) {
            throw new Violation(TcpPdu.LIMIT_EXCEEDED, 0, datal + " bytes at once, more than MAXH2CDATA");
        }
        boolean complete = datao + datal == command.dataBytes;
        last = (TcpPdu.flags(memory, at) & TcpPdu.LAST) != 0;
        if (last != complete) {
            throw Violation.field(
                    TcpPdu.FLAGS_OFFSET, last ? "the last data, but not all" : "all data, but not the last");
        }
        request = command;
        command.state = TcpRequest.RECEIVING;
        state = DATA;
        dataAt = (int) datao;
        dataBegan = dataAt;
        dataBytes = (int) count;
        dataLeft = dataBytes;
    }
}
