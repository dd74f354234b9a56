package io.doorbell.rdmatarget;

import io.doorbell.fabrics.FabricQueue;
import io.doorbell.fabrics.FabricRequest;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.SubmissionEntry;
import java.lang.foreign.MemorySegment;

/** A command of a connection. Used again and again. Owner: the reactor. */
final class RdmaRequest extends FabricRequest {
    /** What a completion is about: the lowest bit of its id, behind the index of the request. */
    static final int READ = 0;

    static final int ANSWER = 1;

    enum State {
        FREE,
        /** There is no memory for its data yet, or no place for its read. */
        WAITING,
        /** Its data are being read from the host. */
        READING,
        /** In the hands of the queue. */
        EXECUTING,
        /** Its answer is to be sent, or on its way. */
        ANSWERED
    }

    final RdmaConnection connection;
    final int index;

    State state = State.FREE;

    /** The receive that it came with, and that it has as long as data may be there. */
    int buffer;

    int capsuleBytes;

    /** Of its SGL descriptor: type and subtype, and how long its data are. */
    int identifier;

    long sglBytes;

    /** Where its data are at the host, or in the capsule. */
    long remoteAddress;

    int remoteKey;

    /** The host wants its key to be of no use any more after the answer. */
    boolean invalidates;

    /** Chunks of the pool. */
    int[] chunks = new int[4];

    int chunkCount;
    int answerStatus;

    /** It has ended while its data were coming: it was one of a fused pair. */
    boolean ended;

    /** The next one of the list it is in; it is in one at a time. */
    RdmaRequest link;

    RdmaRequest(RdmaConnection connection, FabricQueue queue, int index) {
        super(queue);
        this.connection = connection;
        this.index = index;
    }

    /** Takes a command out of a capsule. */
    void fetch(MemorySegment memory, long at, int bytes) {
        begin(memory, at);
        ended = false;
        capsuleBytes = bytes - SubmissionEntry.SIZE_BYTES;
        identifier = SubmissionEntry.sgl1Identifier(memory, at);
        boolean keyed = SglDescriptor.type(identifier) == SglDescriptor.TYPE_KEYED_DATA_BLOCK;
        long descriptor = at + SubmissionEntry.DPTR_OFFSET_BYTES;
        invalidates = keyed && SglDescriptor.subtype(identifier) == SglDescriptor.SUBTYPE_INVALIDATE_KEY;
        remoteAddress = SubmissionEntry.sgl1Address(memory, at);
        remoteKey = keyed ? SglDescriptor.key(memory, descriptor) : 0;
        sglBytes = keyed ? SglDescriptor.keyedLength(memory, descriptor) : SubmissionEntry.sgl1Length(memory, at);
    }

    int psdt() {
        return flags >> 6 & 3;
    }

    @Override
    protected void respond(int status) {
        connection.respond(this, status);
    }
}
