package io.doorbell.tcp;

import io.doorbell.fabrics.FabricQueue;
import io.doorbell.fabrics.FabricRequest;
import io.doorbell.nvme.SubmissionEntry;
import java.lang.foreign.MemorySegment;

/** A command of a connection, or what else it sends. Used again and again. Owner: the reactor. */
final class TcpRequest extends FabricRequest {
    /** In the free list. */
    static final int FREE = 0;
    /** There is no memory for its data yet. */
    static final int WANTS_MEMORY = 1;
    /** Its R2T is not sent yet. */
    static final int ASKING = 2;
    /** The host is to send data. */
    static final int AWAITS_DATA = 3;
    /** Data are coming, with the capsule or in a PDU of their own. */
    static final int RECEIVING = 4;
    /** In the hands of the queue. */
    static final int EXECUTING = 5;
    /** Its answer is to be sent. */
    static final int ANSWERED = 6;

    /** Bytes of its part of the reactor's memory: what goes before data, what goes behind them, and the command. */
    static final int SLOT_BYTES = 256;

    private static final int BEHIND = 160;
    private static final int ENTRY = 192;

    final TcpConnection connection;

    /** Its transfer tag. */
    final int index;

    final long slot;
    int state;

    int[] chunks = new int[4];
    int chunkCount;

    /** Bytes that come with the capsule: those of the command and what else the host sent. */
    int capsuleBytes;

    /** Bytes that have come. */
    int received;

    /** Data came that were not what was sent: the status to end with, or 0. */
    int failure;

    /** It has ended while data were coming. */
    boolean ended;

    int endStatus;

    /** What is sent: first {@link #headBytes}, then {@link #sendData} bytes of data, then {@link #tailBytes}. */
    int headBytes;

    int sendData;
    int tailBytes;

    /** The next one of the list it is in; it is in one at a time. */
    TcpRequest link;

    TcpRequest(TcpConnection connection, FabricQueue queue, int index, long slot) {
        super(queue);
        this.connection = connection;
        this.index = index;
        this.slot = slot;
    }

    /** Where the head of what is sent is. */
    long head() {
        return slot;
    }

    long tail() {
        return slot + BEHIND;
    }

    /** Takes a command out of a stream, where it may lie anywhere: first to a place where it is aligned. */
    void fetch(MemorySegment memory, long offset) {
        long at = slot + ENTRY;
        MemorySegment.copy(memory, offset, memory, at, SubmissionEntry.SIZE_BYTES);
        begin(memory, at);
        capsuleBytes = 0;
        received = 0;
        failure = 0;
        ended = false;
    }

    int sglIdentifier(MemorySegment memory) {
        return SubmissionEntry.sgl1Identifier(memory, slot + ENTRY);
    }

    long sglAddress(MemorySegment memory) {
        return SubmissionEntry.sgl1Address(memory, slot + ENTRY);
    }

    long sglLength(MemorySegment memory) {
        return SubmissionEntry.sgl1Length(memory, slot + ENTRY);
    }

    int psdt() {
        return flags >> 6 & 3;
    }

    @Override
    protected void answer(int status) {
        connection.respond(this, status);
    }
}
