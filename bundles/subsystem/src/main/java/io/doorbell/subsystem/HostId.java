package io.doorbell.subsystem;

import io.doorbell.target.HostIdentity;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Who a host is to reservations: whatever controllers have the same one belong to the same host. A controller whose host
 * has not named itself belongs to a host of its own, another one after each reset, so that nobody is mistaken for somebody.
 *
 * @param low bytes 0 to 7 of the Host Identifier as a little-endian number
 * @param high bytes 8 to 15, zero for an identifier of 64 bits
 * @param wide whether the identifier has 128 bits
 * @param unnamed tells hosts without an identifier apart; 0 for a host that has one
 */
record HostId(long low, long high, boolean wide, long unnamed) {
    private static final AtomicLong LAST_UNNAMED = new AtomicLong();

    static HostId unnamedHost() {
        return new HostId(0, 0, false, LAST_UNNAMED.incrementAndGet());
    }

    /** As the transport knows it, or a host without a name. */
    static HostId of(HostIdentity identity) {
        return identity.hasId() ? new HostId(identity.idLow(), identity.idHigh(), true, 0) : unnamedHost();
    }

    boolean isNamed() {
        return unnamed == 0;
    }

    @Override
    public String toString() {
        return isNamed()
                ? String.format(wide ? "host %2$016x%1$016x" : "host %1$016x", low, high)
                : "a host without id";
    }
}
