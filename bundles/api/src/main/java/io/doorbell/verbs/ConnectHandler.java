package io.doorbell.verbs;

/** Who takes connections. */
@FunctionalInterface
public interface ConnectHandler {

    /**
     * Somebody wants to connect. Called on a virtual thread of its own, so it may block; it accepts or rejects. When it does neither and returns or
     * throws, or takes longer than the peer waits, the request is rejected.
     */
    void requested(ConnectRequest request);
}
