package io.doorbell.subsystem;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.Zone;
import io.doorbell.nvme.ZoneReport;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Set;

/**
 * A {@link ZonedNamespace} in the hands of one reactor. Zoned Namespace Command Set 1.1 §3 "I/O Commands for the Zoned
 * Namespace Command Set".
 *
 * <p>A read of what was written goes to the blocks as it is. Whatever has to be known of when it ends goes there as a
 * {@link ZonePart}: writes, reads that go over the write pointer (behind it there are zeroes, whatever the blocks hold), and
 * what makes the pointers durable.
 */
final class ZonedSession implements NamespaceSession {
    private static final int INVALID_FIELD = Status.INVALID_FIELD | Status.DNR;
    private static final int FUA = 1 << 30;
    private static final MemorySegment ZEROES =
            MemorySegment.ofArray(new byte[4096]).asReadOnly();

    private final ZonedNamespace namespace;
    private final ZoneTable table;
    private final ZoneLayout layout;
    private final int blockBytes;
    private final NamespaceSession blocks;

    // Cold from here.
    private final Background background;
    private final Set<ZoneReset> resets = new HashSet<>();
    /** On their way, in any order; a list of its own, since a set would allocate for each. */
    private ZonePart parts;

    private ZonePart free;
    /** What the blocks have ended that is nobody's command yet, and commands that ended with it; in one poll. */
    private int partsEnded;

    private int commandsEnded;
    private boolean closed;

    ZonedSession(ZonedNamespace namespace, NamespaceSession blocks, Reactor reactor) {
        this.namespace = namespace;
        this.blocks = blocks;
        table = namespace.table();
        layout = namespace.layout();
        blockBytes = namespace.shape().blockBytes();
        background = new Background(reactor::wake);
    }

    @Override
    public int submit(NvmRequest request) {
        if (closed) {
            return Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
        }
        return switch (request.opc) {
            case NvmOpcode.READ, NvmOpcode.COMPARE, NvmOpcode.VERIFY -> read(request);
            case NvmOpcode.WRITE, NvmOpcode.WRITE_ZEROES, NvmOpcode.ZONE_APPEND -> write(request);
            case NvmOpcode.FLUSH ->
                namespace.keepsZones() ? part(request, request.blockCount, 0) : blocks.submit(request);
            case NvmOpcode.DATASET_MANAGEMENT -> blocks.submit(request);
            case NvmOpcode.ZONE_MANAGEMENT_SEND -> manage(request);
            case NvmOpcode.ZONE_MANAGEMENT_RECEIVE -> report(request);
            default -> Status.INVALID_OPCODE | Status.DNR;
        };
    }

    /** Compare and Write would have to be at a write pointer that nobody else moves meanwhile. */
    @Override
    public int submitFused(NvmRequest compare, NvmRequest write) {
        return INVALID_FIELD;
    }

    private int read(NvmRequest request) {
        long offset = layout.offset(request.slba);
        if (offset + request.blockCount > layout.zoneBlocks()) {
            return Status.ZONE_BOUNDARY_ERROR | Status.DNR;
        }
        long readable = table.readable(layout.zoneOf(request.slba));
        if (readable < 0) {
            return (int) -readable;
        }
        if (offset + request.blockCount <= readable) {
            return blocks.submit(request);
        }
        int there = (int) Math.max(0, readable - offset);
        if (request.opc == NvmOpcode.COMPARE && !isZero(request, (long) there * blockBytes)) {
            return Status.COMPARE_FAILURE | Status.DNR;
        }
        if (there == 0) {
            if (request.opc == NvmOpcode.READ) {
                zero(request, 0);
            }
            return Status.SUCCESS;
        }
        return part(request, there, request.slba);
    }

    private static void zero(NvmRequest request, long from) {
        for (long at = from; at < request.dataBytes; at += ZEROES.byteSize()) {
            request.copyToHost(at, ZEROES, 0, Math.min(ZEROES.byteSize(), request.dataBytes - at));
        }
    }

    private static boolean isZero(NvmRequest request, long from) {
        var piece = MemorySegment.ofArray(new byte[(int) ZEROES.byteSize()]);
        for (long at = from; at < request.dataBytes; at += piece.byteSize()) {
            long bytes = Math.min(piece.byteSize(), request.dataBytes - at);
            request.copyFromHost(at, piece, 0, bytes);
            if (MemorySegment.mismatch(piece, 0, bytes, ZEROES, 0, bytes) >= 0) {
                return false;
            }
        }
        return true;
    }

    private int write(NvmRequest request) {
        boolean append = request.opc == NvmOpcode.ZONE_APPEND;
        int zone = layout.zoneOf(request.slba);
        long offset = layout.offset(request.slba);
        if (append && offset != 0) {
            return INVALID_FIELD;
        }
        long at = table.beginWrite(zone, append ? -1 : offset, request.blockCount);
        return at < 0 ? (int) -at : part(request, request.blockCount, layout.start(zone) + at);
    }

    /** Executes the first {@code blockCount} blocks of a command, from {@code slba} on. */
    private int part(NvmRequest request, int blockCount, long slba) {
        var part = free;
        if (part == null) {
            part = new ZonePart(this);
        } else {
            free = part.link;
        }
        part.of(request, slba, blockCount, (long) blockCount * blockBytes);
        part.link = parts;
        part.before = null;
        if (parts != null) {
            parts.before = part;
        }
        parts = part;
        int status = blocks.submit(part);
        return status == NvmRequest.PENDING ? status : ended(part, status);
    }

    /** The blocks have ended a part in their poll. */
    void completed(ZonePart part, int status) {
        partsEnded++;
        var request = part.request;
        int now = ended(part, status);
        if (now != NvmRequest.PENDING) {
            commandsEnded++;
            request.complete(now);
        }
    }

    /** What is left to do when the blocks have done their part. Returns a status, or PENDING. */
    private int ended(ZonePart part, int status) {
        var request = part.request;
        long slba = part.slba;
        int blockCount = part.blockCount;
        recycle(part);
        switch (request.opc) {
            case NvmOpcode.READ -> {
                if (status == Status.SUCCESS) {
                    zero(request, (long) blockCount * blockBytes);
                }
                return status;
            }
            case NvmOpcode.COMPARE, NvmOpcode.VERIFY -> {
                return status;
            }
            case NvmOpcode.FLUSH -> {
                return status == Status.SUCCESS ? save(request, 0) : status;
            }
            default -> {
                table.endWrite(layout.zoneOf(slba), Status.code(status) == Status.WRITE_FAULT);
                long result = request.opc == NvmOpcode.ZONE_APPEND ? slba : 0;
                request.result = result;
                boolean durable = (request.cdw12 & FUA) != 0 && namespace.keepsZones();
                return status == Status.SUCCESS && durable ? save(request, result) : status;
            }
        }
    }

    private void recycle(ZonePart part) {
        if (part.before == null) {
            parts = part.link;
        } else {
            part.before.link = part.link;
        }
        if (part.link != null) {
            part.link.before = part.before;
        }
        part.request = null;
        part.clearPieces();
        part.link = free;
        free = part;
    }

    /** The data is durable: so have the pointers to be before anyone is told. */
    private int save(NvmRequest request, long result) {
        return background.start("save zones", request, job -> {
            job.result = result;
            return namespace.save();
        });
    }

    private int manage(NvmRequest request) {
        int action = request.cdw13 & 0xFF;
        boolean all = (request.cdw13 & Zone.SELECT_ALL) != 0;
        if (!all && layout.offset(request.slba) != 0) {
            return INVALID_FIELD;
        }
        int zone = layout.zoneOf(request.slba);
        switch (action) {
            case Zone.RESET -> {
                return reset(request, all ? -1 : zone);
            }
            case Zone.OPEN, Zone.CLOSE -> {
                return all ? table.manageAll(action) : table.manage(zone, action);
            }
            case Zone.FINISH, Zone.SET_OFFLINE -> {
                int status = all ? table.manageAll(action) : table.manage(zone, action);
                return status == Status.SUCCESS && namespace.keepsZones() ? save(request, 0) : status;
            }
            default -> {
                return INVALID_FIELD; // There are no descriptor extensions.
            }
        }
    }

    private int reset(NvmRequest request, int zone) {
        if (resets.size() == Background.MAX_RUNNING) {
            return Status.COMMAND_INTERRUPTED;
        }
        int[] zones = table.beginReset(zone);
        if (zones == null) {
            return Status.INVALID_ZONE_STATE_TRANSITION | Status.DNR;
        }
        if (zones.length == 0) {
            return Status.SUCCESS;
        }
        var reset = new ZoneReset(this, namespace, blocks, request, zones);
        resets.add(reset);
        int status = background.start("reset zones", reset, job -> reset.keep());
        if (status != NvmRequest.PENDING) {
            resets.remove(reset);
            table.endReset(zones, false);
        }
        return status;
    }

    /** A step of a reset has ended that is no command of its own. */
    void stepEnded() {
        partsEnded++;
    }

    void ended(ZoneReset reset, int status) {
        resets.remove(reset);
        commandsEnded++;
        reset.request().complete(status);
    }

    private int report(NvmRequest request) {
        int wanted = Zone.stateOfFilter(request.cdw13 >> Zone.FILTER_SHIFT & 0xFF);
        // The extended report is of descriptor extensions, and there are none.
        if ((request.cdw13 & 0xFF) != Zone.REPORT || wanted < 0 || request.dataBytes < ZoneReport.HEADER_BYTES) {
            return INVALID_FIELD;
        }
        boolean partial = (request.cdw13 & Zone.PARTIAL) != 0;
        var page = MemorySegment.ofArray(new byte[request.dataBytes]);
        int room = (request.dataBytes - ZoneReport.HEADER_BYTES) / ZoneReport.DESCRIPTOR_BYTES;
        int count = 0;
        for (int zone = layout.zoneOf(request.slba); zone < layout.zoneCount(); zone++) {
            if (count >= room && partial) {
                break;
            }
            // The two belong together, whatever another reactor does.
            synchronized (table) {
                int state = table.state(zone);
                if (wanted != 0 && state != wanted) {
                    continue;
                }
                if (count < room) {
                    ZoneReport.descriptor(
                            page, count, state, layout.capacity(), layout.start(zone), table.writePointer(zone));
                }
            }
            count++;
        }
        ZoneReport.header(page, count);
        request.copyToHost(0, page, 0, request.dataBytes);
        return Status.SUCCESS;
    }

    @Override
    public int poll(long nowNanos) {
        partsEnded = 0;
        commandsEnded = 0;
        int ended = background.poll() + blocks.poll(nowNanos);
        return ended - partsEnded + commandsEnded;
    }

    @Override
    public int inFlight() {
        return blocks.inFlight() + background.inFlight();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        background.forget();
        blocks.close();
        for (var part = parts; part != null; part = part.link) {
            if (part.opc == NvmOpcode.WRITE || part.opc == NvmOpcode.WRITE_ZEROES) {
                table.endWrite(layout.zoneOf(part.slba), false);
            }
        }
        parts = null;
        for (var reset : resets) {
            reset.abandon();
        }
        resets.clear();
    }
}
