package io.doorbell.subsystem;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NvmRequest;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Resets zones, step by step: what is being written to them ends; that they are empty is made durable; the blocks are given
 * back; then they are empty, and the command is answered. A crash between the steps leaves zones that are empty over blocks
 * that are not, and those are not read. The request of each step is this one.
 *
 * <p>Owner: the session's reactor, but for {@link #keep}.
 */
final class ZoneReset extends NvmRequest {
    /** How long writes to zones that are reset may take to end. */
    private static final long WRITES_BOUND_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final ZonedSession owner;
    private final ZonedNamespace namespace;
    private final NamespaceSession blocks;
    private final NvmRequest command;
    private final int[] zones;
    private final CompletableFuture<Integer> kept = new CompletableFuture<>();
    private int nextZone;

    ZoneReset(ZonedSession owner, ZonedNamespace namespace, NamespaceSession blocks, NvmRequest command, int[] zones) {
        this.owner = owner;
        this.namespace = namespace;
        this.blocks = blocks;
        this.command = command;
        this.zones = zones;
    }

    NvmRequest request() {
        return command;
    }

    /** The first step; blocks. Returns a status. */
    int keep() {
        int status = Status.INTERNAL_ERROR;
        try {
            boolean written = namespace.table().awaitWritten(zones, WRITES_BOUND_NANOS);
            status = written ? namespace.save() : Status.COMMAND_INTERRUPTED;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            kept.complete(status);
        }
        return status;
    }

    @Override
    public void complete(int status) {
        owner.stepEnded();
        if (nextZone == 0 && status != Status.SUCCESS) {
            end(status, false);
            return;
        }
        // That blocks cannot be given back is no reason not to be empty.
        while (nextZone < zones.length) {
            var layout = namespace.layout();
            opc = NvmOpcode.WRITE_ZEROES;
            slba = layout.start(zones[nextZone++]);
            blockCount = (int) layout.capacity();
            cdw12 = 0;
            next = null;
            if (blocks.submit(this) == PENDING) {
                return;
            }
        }
        end(Status.SUCCESS, true);
    }

    private void end(int status, boolean done) {
        namespace.table().endReset(zones, done);
        owner.ended(this, status);
    }

    /** Nobody waits for it any more; the zones are what was kept all the same. */
    void abandon() {
        var table = namespace.table();
        kept.thenAccept(status -> table.endReset(zones, status == Status.SUCCESS));
    }
}
