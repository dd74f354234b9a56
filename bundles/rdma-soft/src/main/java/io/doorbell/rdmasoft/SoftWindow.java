package io.doorbell.rdmasoft;

import io.doorbell.verbs.MemoryWindow;

/** A window on a region, for one queue pair. What it is bound to is that queue pair's lane's. */
final class SoftWindow extends KeyedMemory implements MemoryWindow {
    private SoftRegion region;
    private volatile SoftQueuePair pair;
    private long address;
    private long bytes;
    private int access;
    private boolean closed;

    SoftWindow(SoftDomain domain) {
        super(domain);
    }

    boolean isBound() {
        return region != null;
    }

    void bind(SoftQueuePair owner, SoftRegion on, int newKey, long at, long many, int allowed) {
        region = on;
        pair = owner;
        address = at;
        bytes = many;
        access = allowed;
        key = newKey;
    }

    void unbind() {
        region = null;
        pair = null;
        bytes = 0;
        access = 0;
    }

    @Override
    SoftRegion region() {
        return region;
    }

    @Override
    int access() {
        return access;
    }

    @Override
    long address() {
        return address;
    }

    @Override
    long bytes() {
        return bytes;
    }

    /** Nobody's while it is bound to none: another lane may look just when it is unbound. */
    @Override
    boolean isFor(SoftQueuePair other) {
        return pair == other;
    }

    @Override
    public int remoteKey() {
        return key;
    }

    @Override
    public long handle() {
        return Integer.toUnsignedLong(key);
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        domain.device.keys.remove(this);
        var bound = pair;
        if (bound != null) {
            // What its lane is about at this moment is over when this has run there; it finds the key no more.
            bound.onLane(this::unbind);
        }
        closed = true;
        domain.users.release();
    }
}
