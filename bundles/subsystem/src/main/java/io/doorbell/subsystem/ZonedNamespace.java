package io.doorbell.subsystem;

import io.doorbell.nvme.Status;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A namespace of the Zoned Namespace Command Set over one that is not: whatever stores the blocks, they can be written in
 * order only, zone by zone.
 *
 * <p>Control plane: any thread.
 */
final class ZonedNamespace implements Namespace {
    private static final Logger LOG = LoggerFactory.getLogger(ZonedNamespace.class);

    private final Namespace blocks;
    private final ZoneTable table;
    /** Null where the data ends with the namespace, and the zones with it. */
    private final ZoneStore store;

    private boolean closed;

    /**
     * @throws IllegalArgumentException when the namespace cannot be divided so
     * @throws UncheckedIOException when what is kept of its zones cannot be read
     */
    ZonedNamespace(Namespace blocks, ZoneOptions options) {
        this.blocks = blocks;
        var shape = blocks.shape();
        table = new ZoneTable(options.of(shape));
        store = blocks.beside(".zones")
                .map(file -> new ZoneStore(file, shape.uuid()))
                .orElse(null);
        if (store != null) {
            try {
                store.load(table);
            } catch (IOException failed) {
                throw new UncheckedIOException(failed);
            }
        }
    }

    ZoneTable table() {
        return table;
    }

    ZoneLayout layout() {
        return table.layout();
    }

    /** Whether write pointers have to be kept after the data. */
    boolean keepsZones() {
        return store != null;
    }

    /** Keeps what the zones are now; blocks. Returns a status. */
    int save() {
        if (store == null) {
            return Status.SUCCESS;
        }
        try {
            store.save(table);
            return Status.SUCCESS;
        } catch (IOException failed) {
            LOG.error("the zones of {} cannot be kept", blocks.shape().backend(), failed);
            return Status.INTERNAL_ERROR;
        }
    }

    @Override
    public NamespaceShape shape() {
        return blocks.shape();
    }

    @Override
    public NamespaceSession open(Reactor reactor) {
        return new ZonedSession(this, blocks.open(reactor), reactor);
    }

    @Override
    public void flush() {
        blocks.flush();
        if (save() != Status.SUCCESS) {
            throw new UncheckedIOException(new IOException("the zones of " + shape().backend() + " cannot be kept"));
        }
    }

    /** All zones are empty then. In blocks of the same format only: how large zones are is configuration's. */
    @Override
    public void format(BlockFormat format) {
        if (!format.equals(shape().format())) {
            throw new UnsupportedOperationException("zones of blocks of " + shape().format() + " stay as configured");
        }
        erase(Erasure.DISCARD, (done, of) -> true);
    }

    @Override
    public boolean isErasable() {
        return blocks.isErasable();
    }

    /** All zones are empty then. */
    @Override
    public boolean erase(Erasure erasure, Progress progress) {
        table.clear();
        boolean done = blocks.erase(erasure, progress);
        if (save() != Status.SUCCESS) {
            throw new UncheckedIOException(new IOException("the zones of " + shape().backend() + " cannot be kept"));
        }
        return done;
    }

    @Override
    public boolean scan(Progress progress) {
        return blocks.scan(progress);
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            try {
                flush();
            } catch (UncheckedIOException failed) {
                LOG.error("{} could not be flushed at its close", blocks.shape().backend(), failed);
            } finally {
                if (store != null) {
                    store.close();
                }
                blocks.close();
            }
        }
    }

    @Override
    public String toString() {
        return "zoned " + blocks;
    }
}
