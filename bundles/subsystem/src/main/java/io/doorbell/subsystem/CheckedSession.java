package io.doorbell.subsystem;

import io.doorbell.nvme.CopyRange;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.ProtectionInformation;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceShape;
import io.doorbell.storage.NvmRequest;
import java.util.ArrayDeque;

/**
 * A session for what is more than moving data: metadata and protection information, Copy, Write Uncorrectable, and blocks
 * that this has marked. NVM Command Set 1.1 §3.3 "NVM Command Set Commands", §5.3 "End-to-end Data Protection".
 *
 * <p>Around a session of the store, to which a command here is one request or several. A namespace without metadata has one
 * beside its own session, from the first command on that needs it. Owner: the reactor.
 */
final class CheckedSession implements NamespaceSession {
    /** Limits of Copy, as Identify Namespace tells them: blocks of a range, blocks of all, ranges less one. */
    static final int MAX_RANGE_BLOCKS = 0x4000;

    static final int MAX_COPY_BLOCKS = 0x8000;
    static final int MAX_RANGES_ZERO_BASED = 127;

    private static final int INVALID_FIELD = Status.INVALID_FIELD | Status.DNR;
    private static final int PRINFO = ProtectionInformation.PRACT | ProtectionInformation.PRCHK;
    private static final int BLOCK_COUNT_MASK = 0xFFFF;

    final NamespaceSession store;
    final BlockLayout layout;
    final UncorrectableBlocks marks;
    final BounceBuffers buffers = new BounceBuffers();
    final long blockCount;
    /** Whether a Read fills the buffer it has. */
    final boolean storeKeepsData;

    private final Reactor reactor;

    private CheckedOperation free;
    /** Commands that have begun and not ended. */
    private int active;

    /** Operations of which the store has a request. */
    int inStore;

    /** Requests of operations that the store has completed, and commands that have ended, since the last poll. */
    int returned;

    private int ended;

    /** Those that wait for a buffer, and those that have had their share of a cycle. */
    private final ArrayDeque<CheckedOperation> starving = new ArrayDeque<>();

    private final ArrayDeque<CheckedOperation> postponed = new ArrayDeque<>();
    private boolean closed;

    CheckedSession(NamespaceSession store, NamespaceShape shape, UncorrectableBlocks marks, Reactor reactor) {
        this.store = store;
        this.marks = marks;
        this.reactor = reactor;
        layout = new BlockLayout(shape.format());
        blockCount = shape.blockCount();
        storeKeepsData = shape.keepsData();
    }

    boolean hasMetadata() {
        return layout.format.metadataBytes() != 0;
    }

    /** Checks a command and says what data it moves. Returns a status. */
    int admit(NvmRequest request, int maxTransferBytes) {
        request.dataBytes = 0;
        request.dataToHost = false;
        if (request.opc == NvmOpcode.COPY) {
            return admitCopy(request);
        }
        int blocks = (request.cdw12 & BLOCK_COUNT_MASK) + 1;
        long slba = Integer.toUnsignedLong(request.cdw10) | (long) request.cdw11 << 32;
        if (request.opc != NvmOpcode.WRITE_UNCORRECTABLE) {
            int status = admitProtection(request.cdw12, slba, request.cdw14);
            if (status != Status.SUCCESS) {
                return status;
            }
        }
        boolean moves =
                request.opc == NvmOpcode.READ || request.opc == NvmOpcode.WRITE || request.opc == NvmOpcode.COMPARE;
        if (moves) {
            long bytes = (long) blocks * layout.dataBytes(request.cdw12);
            if (bytes > maxTransferBytes) {
                return INVALID_FIELD;
            }
            request.dataBytes = (int) bytes;
            request.dataToHost = request.opc == NvmOpcode.READ;
        }
        if (slba < 0 || slba > blockCount - blocks) {
            return Status.LBA_OUT_OF_RANGE | Status.DNR;
        }
        request.slba = slba;
        request.blockCount = blocks;
        return Status.SUCCESS;
    }

    int admitProtection(int cdw12, long slba, int cdw14) {
        if (layout.protection == null) {
            return (cdw12 & PRINFO) == 0 ? Status.SUCCESS : INVALID_FIELD;
        }
        return ProtectionInformation.admit(layout.protection.type(), cdw12, slba, cdw14);
    }

    private int admitCopy(NvmRequest request) {
        int ranges = CopyRange.count(request.cdw12);
        if (CopyRange.descriptorFormat(request.cdw12) != 0) {
            return INVALID_FIELD;
        }
        if (ranges > MAX_RANGES_ZERO_BASED + 1) {
            return Status.COMMAND_SIZE_LIMIT_EXCEEDED | Status.DNR;
        }
        int sources = CopyRange.protectionOfSources(request.cdw12);
        if (((sources ^ request.cdw12) & ProtectionInformation.PRACT) != 0) {
            return INVALID_FIELD; // From one namespace to itself, both or none.
        }
        long slba = Integer.toUnsignedLong(request.cdw10) | (long) request.cdw11 << 32;
        int status = admitProtection(request.cdw12, slba, request.cdw14);
        if (status != Status.SUCCESS) {
            return status;
        }
        if (slba < 0 || slba >= blockCount) {
            return Status.LBA_OUT_OF_RANGE | Status.DNR;
        }
        request.slba = slba;
        request.blockCount = 0;
        request.dataBytes = ranges * CopyRange.SIZE_BYTES;
        return Status.SUCCESS;
    }

    @Override
    public int submit(NvmRequest request) {
        if (closed) {
            return Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
        }
        if (request.opc == NvmOpcode.FLUSH || request.opc == NvmOpcode.DATASET_MANAGEMENT) {
            return store.submit(request);
        }
        int status = bringMetadata(request);
        if (status != Status.SUCCESS) {
            return status;
        }
        var operation = take(request);
        status = operation.begin();
        if (status != NvmRequest.PENDING) {
            release(operation);
        }
        return status;
    }

    @Override
    public int submitFused(NvmRequest compare, NvmRequest write) {
        if (closed) {
            return Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
        }
        if (layout.isStripped(compare.cdw12)) {
            return INVALID_FIELD; // The store compares whole blocks, and of these there is only a part.
        }
        int status = bringMetadata(compare);
        if (status == Status.SUCCESS) {
            status = bringMetadata(write);
        }
        if (status != Status.SUCCESS) {
            return status;
        }
        var first = take(compare);
        var second = take(write);
        second.fused = first;
        status = second.begin();
        if (status != NvmRequest.PENDING) {
            release(second);
        }
        return status;
    }

    private int bringMetadata(NvmRequest request) {
        boolean moves =
                request.opc == NvmOpcode.READ || request.opc == NvmOpcode.WRITE || request.opc == NvmOpcode.COMPARE;
        int bytes = moves ? request.blockCount * layout.separateBytes(request.cdw12) : 0;
        return bytes == 0 ? Status.SUCCESS : request.mapMetadata(bytes);
    }

    private CheckedOperation take(NvmRequest request) {
        var operation = free;
        if (operation == null) {
            operation = new CheckedOperation(this);
        } else {
            free = operation.link;
        }
        active++;
        operation.reset(request);
        return operation;
    }

    private void release(CheckedOperation operation) {
        if (operation.fused != null) {
            release(operation.fused);
        }
        operation.letGo();
        operation.link = free;
        free = operation;
        active--;
    }

    /** A command that was pending has ended. */
    void end(CheckedOperation operation, int status) {
        if (closed) {
            return;
        }
        var request = operation.outer();
        release(operation);
        ended++;
        request.complete(status);
    }

    /** Goes on with it when somebody has given a buffer back. */
    void starve(CheckedOperation operation) {
        starving.add(operation);
    }

    /** Goes on with it in the next cycle. */
    void postpone(CheckedOperation operation) {
        postponed.add(operation);
        reactor.wake();
    }

    @Override
    public int poll(long nowNanos) {
        int completed = store.poll(nowNanos);
        for (int i = postponed.size(); i > 0 && !closed; i--) {
            postponed.remove().resume();
        }
        // Those that find no buffer queue up again, at the end: hence as many as there are now.
        for (int i = starving.size(); i > 0 && !closed; i--) {
            starving.remove().resume();
        }
        completed += ended - returned;
        ended = 0;
        returned = 0;
        return completed;
    }

    @Override
    public int inFlight() {
        return store.inFlight() - inStore + active;
    }

    @Override
    public void close() {
        closed = true;
        store.close();
        starving.clear();
        postponed.clear();
        active = 0;
        inStore = 0;
    }
}
