package io.doorbell.rdmasoft;

import io.doorbell.verbs.Completions;
import io.doorbell.verbs.SendRequests;

/** A request of a send queue. Used again and again. Owner: the lane. */
final class SendSlot {
    final Segments segments;
    long id;
    int opcode;
    int flags;
    int immediateOrKey;
    long remoteAddress;
    int remoteKey;

    // Of a bind.
    long window;
    long region;
    long bindBytes;
    int access;

    /** It has packet numbers. */
    boolean started;

    int firstPsn;

    /** Packets, of a read those of its answer; 0 for what needs none. */
    int packets;

    /** Of what needs no packets: it was executed. */
    boolean executed;

    SendSlot(int mostSegments) {
        segments = new Segments(mostSegments);
    }

    void take(SoftDomain domain, SendRequests requests, int request) {
        id = requests.id(request);
        opcode = requests.opcode(request);
        flags = requests.flags(request);
        immediateOrKey = requests.immediateOrKey(request);
        started = false;
        executed = false;
        segments.take(domain, requests, request, opcode == SendRequests.RDMA_READ);
        if (opcode == SendRequests.BIND_WINDOW) {
            window = requests.bindWindow(request);
            region = requests.bindRegion(request);
            remoteAddress = requests.bindAddress(request);
            remoteKey = requests.bindKey(request);
            bindBytes = requests.bindBytes(request);
            access = requests.bindAccess(request);
        } else {
            remoteAddress = requests.remoteAddress(request);
            remoteKey = requests.remoteKey(request);
        }
    }

    boolean isRead() {
        return opcode == SendRequests.RDMA_READ;
    }

    boolean isWrite() {
        return opcode == SendRequests.RDMA_WRITE || opcode == SendRequests.RDMA_WRITE_IMMEDIATE;
    }

    boolean isLocal() {
        return opcode == SendRequests.BIND_WINDOW || opcode == SendRequests.LOCAL_INVALIDATE;
    }

    boolean isKnown() {
        return switch (opcode) {
            case SendRequests.RDMA_WRITE,
                    SendRequests.RDMA_WRITE_IMMEDIATE,
                    SendRequests.SEND,
                    SendRequests.SEND_IMMEDIATE,
                    SendRequests.SEND_INVALIDATE,
                    SendRequests.RDMA_READ,
                    SendRequests.BIND_WINDOW,
                    SendRequests.LOCAL_INVALIDATE -> true;
            default -> false;
        };
    }

    int completionOpcode() {
        return switch (opcode) {
            case SendRequests.RDMA_WRITE, SendRequests.RDMA_WRITE_IMMEDIATE -> Completions.RDMA_WRITE;
            case SendRequests.RDMA_READ -> Completions.RDMA_READ;
            case SendRequests.BIND_WINDOW -> Completions.BIND_WINDOW;
            case SendRequests.LOCAL_INVALIDATE -> Completions.LOCAL_INVALIDATE;
            default -> Completions.SEND;
        };
    }

    /** Of packet {@code index} of {@link #packets}, when it is no read. */
    int packetOpcode(int index) {
        boolean first = index == 0;
        boolean last = index == packets - 1;
        boolean immediate = opcode == SendRequests.SEND_IMMEDIATE || opcode == SendRequests.RDMA_WRITE_IMMEDIATE;
        if (isWrite()) {
            if (!last) {
                return first ? Opcode.WRITE_FIRST : Opcode.WRITE_MIDDLE;
            }
            if (immediate) {
                return first ? Opcode.WRITE_ONLY_IMMEDIATE : Opcode.WRITE_LAST_IMMEDIATE;
            }
            return first ? Opcode.WRITE_ONLY : Opcode.WRITE_LAST;
        }
        if (!last) {
            return first ? Opcode.SEND_FIRST : Opcode.SEND_MIDDLE;
        }
        if (immediate) {
            return first ? Opcode.SEND_ONLY_IMMEDIATE : Opcode.SEND_LAST_IMMEDIATE;
        }
        if (opcode == SendRequests.SEND_INVALIDATE) {
            return first ? Opcode.SEND_ONLY_INVALIDATE : Opcode.SEND_LAST_INVALIDATE;
        }
        return first ? Opcode.SEND_ONLY : Opcode.SEND_LAST;
    }
}
