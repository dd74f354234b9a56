package io.doorbell.rdmanic;

import io.doorbell.platform.IbvMw;
import io.doorbell.verbs.MemoryWindow;

/** A window of type 2B. */
final class NicWindow implements MemoryWindow {
    private final NicDomain domain;
    private final IbvMw window;
    private boolean closed;

    NicWindow(NicDomain domain, IbvMw window) {
        this.domain = domain;
        this.window = window;
    }

    @Override
    public int remoteKey() {
        return window.key();
    }

    @Override
    public long handle() {
        return window.address();
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            window.close();
            closed = true;
            domain.users.release();
        }
    }
}
