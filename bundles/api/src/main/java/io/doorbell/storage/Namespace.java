package io.doorbell.storage;

import io.doorbell.reactor.Reactor;

/**
 * What executes NVM commands and keeps the blocks. Control plane: any thread.
 */
public interface Namespace extends AutoCloseable {

    NamespaceShape shape();

    /**
     * A session for one reactor: everything it does, it does for that reactor's thread alone. Close it there too.
     *
     * @throws IllegalStateException when the namespace is closed, or has as many sessions as it can have
     */
    NamespaceSession open(Reactor reactor);

    /**
     * Makes everything durable that was written, as a Flush does. May block. Nothing to do where there is no volatile
     * cache.
     *
     * @throws java.io.UncheckedIOException when it could not be made durable
     */
    void flush();

    /** Ends the namespace: what was flushed is durable. Sessions are closed before. Idempotent. */
    @Override
    void close();
}
