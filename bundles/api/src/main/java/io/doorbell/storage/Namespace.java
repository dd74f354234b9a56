package io.doorbell.storage;

import io.doorbell.reactor.Reactor;

/**
 * What executes NVM commands and keeps the blocks. Control plane: any thread.
 */
public interface Namespace extends AutoCloseable {

    NamespaceShape shape();

    /**
     * A session for one reactor: everything it does, it does for that reactor's thread alone. Close it there too.
     */
    NamespaceSession open(Reactor reactor);

    /** Ends the namespace: what was flushed is durable. Sessions are closed before. Idempotent. */
    @Override
    void close();
}
