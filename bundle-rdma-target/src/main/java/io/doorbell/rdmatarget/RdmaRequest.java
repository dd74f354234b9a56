package io.doorbell.rdmatarget;

import io.doorbell.fabrics.FabricQueue;
import io.doorbell.fabrics.FabricRequest;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import java.lang.foreign.MemorySegment;

/** A command of a connection. Used again and again. Owner: the reactor. */
final class RdmaRequest extends FabricRequest {
    /** What a completion is about: the lowest bit of its id, behind the index of the request. */
    static final int READ = 0;

    static final int ANSWER = 1;

    /** Descriptors of a list (MSDBD). */
    static final int MAX_BLOCKS = 16;

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

    /** Pieces of the host's memory that its data are in, when the capsule has a list of them; else 0. */
    int blocks;

    private long[] blockAddresses;
    private int[] blockKeys;
    private int[] blockBytes;

    // Of a Write: how much of its data has been asked for, and how many reads are to come.
    int nextBlock;
    int askedBytes;
    int reads;

    /** Requests that its answer takes, with what is written before it. */
    int sends;

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
        blocks = 0;
        nextBlock = 0;
        askedBytes = 0;
        reads = 0;
        capsuleBytes = bytes - SubmissionEntry.SIZE_BYTES;
        identifier = SubmissionEntry.sgl1Identifier(memory, at);
        boolean keyed = SglDescriptor.type(identifier) == SglDescriptor.TYPE_KEYED_DATA_BLOCK;
        long descriptor = at + SubmissionEntry.DPTR_OFFSET_BYTES;
        invalidates = keyed && SglDescriptor.subtype(identifier) == SglDescriptor.SUBTYPE_INVALIDATE_KEY;
        remoteAddress = SubmissionEntry.sgl1Address(memory, at);
        remoteKey = keyed ? SglDescriptor.key(memory, descriptor) : 0;
        sglBytes = keyed ? SglDescriptor.keyedLength(memory, descriptor) : SubmissionEntry.sgl1Length(memory, at);
    }

    /**
     * Takes the list of descriptors that is in the capsule. NVMe Base 2.1 §4.3.2 "Scatter Gather List (SGL)".
     *
     * @return 0, or why it cannot be
     */
    int takeList(MemorySegment memory, long list) {
        if (SglDescriptor.subtype(identifier) != SglDescriptor.SUBTYPE_OFFSET) {
            return Status.SGL_DESCRIPTOR_TYPE_INVALID | Status.DNR;
        }
        if (remoteAddress != 0) {
            return Status.SGL_OFFSET_INVALID | Status.DNR;
        }
        if (sglBytes == 0 || sglBytes % SglDescriptor.SIZE_BYTES != 0 || sglBytes > capsuleBytes) {
            return Status.INVALID_SGL_SEGMENT_DESCRIPTOR | Status.DNR;
        }
        if (sglBytes > MAX_BLOCKS * SglDescriptor.SIZE_BYTES) {
            return Status.INVALID_NUMBER_OF_SGL_DESCRIPTORS | Status.DNR;
        }
        if (blockAddresses == null) {
            // Rarely: few hosts have lists, and they keep their size.
            blockAddresses = new long[MAX_BLOCKS];
            blockKeys = new int[MAX_BLOCKS];
            blockBytes = new int[MAX_BLOCKS];
        }
        int count = (int) sglBytes / SglDescriptor.SIZE_BYTES;
        long sum = 0;
        for (int i = 0; i < count; i++) {
            long at = list + (long) i * SglDescriptor.SIZE_BYTES;
            int subtype = SglDescriptor.subtype(memory, at);
            // The invalidation of several keys is not for one answer to ask for; a host does that itself.
            if (SglDescriptor.type(memory, at) != SglDescriptor.TYPE_KEYED_DATA_BLOCK
                    || subtype != SglDescriptor.SUBTYPE_ADDRESS && subtype != SglDescriptor.SUBTYPE_INVALIDATE_KEY) {
                return Status.SGL_DESCRIPTOR_TYPE_INVALID | Status.DNR;
            }
            blockAddresses[i] = SglDescriptor.address(memory, at);
            blockKeys[i] = SglDescriptor.key(memory, at);
            blockBytes[i] = SglDescriptor.keyedLength(memory, at);
            sum += blockBytes[i];
        }
        blocks = count;
        sglBytes = sum;
        return Status.SUCCESS;
    }

    /** How many pieces of the host's memory its data are in. */
    int blockCount() {
        return blocks == 0 ? 1 : blocks;
    }

    long blockAddress(int block) {
        return blocks == 0 ? remoteAddress : blockAddresses[block];
    }

    int blockKey(int block) {
        return blocks == 0 ? remoteKey : blockKeys[block];
    }

    /** Of that piece, what is left of the data when {@code before} bytes are in others. */
    int blockBytes(int block, int before) {
        return Math.min(blocks == 0 ? dataBytes : blockBytes[block], dataBytes - before);
    }

    int psdt() {
        return flags >> 6 & 3;
    }

    @Override
    protected void answer(int status) {
        connection.respond(this, status);
    }
}
