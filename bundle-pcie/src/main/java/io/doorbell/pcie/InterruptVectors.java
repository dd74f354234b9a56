package io.doorbell.pcie;

import io.doorbell.pci.PciAccess;
import io.doorbell.platform.EventFd;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The interrupt vectors of a function, and who is to hear of each. Vector 0 is the admin queue's; where there is no other, it is
 * everybody's. Control plane, any thread.
 *
 * <p>A vector goes to one sign, so those who sleep on the same sign share a vector for nothing: they come first. When there is no
 * vector left and others sleep on other signs, a thread passes the interrupts on, which costs them a wake-up more.
 */
final class InterruptVectors implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(InterruptVectors.class);

    static final int ADMIN = 0;

    private final PciAccess access;
    private final String name;
    private final Vector[] vectors;

    InterruptVectors(PciAccess access, String name) {
        this.access = access;
        this.name = name;
        vectors = new Vector[access.interruptVectors()];
        for (int i = 0; i < vectors.length; i++) {
            vectors[i] = new Vector(i);
        }
    }

    int count() {
        return vectors.length;
    }

    /** One who hears of a vector. */
    record Use(int vector, EventFd sign) {}

    /** What one vector is for. Guarded by the vectors' monitor. */
    private static final class Vector {
        private final int index;

        /** A sign for each use, so one may be there several times. */
        private final List<EventFd> signs = new ArrayList<>();

        private InterruptFan fan;

        Vector(int index) {
            this.index = index;
        }

        boolean goesTo(EventFd sign) {
            return signs.contains(sign);
        }
    }

    /** For an I/O queue; null when the function has no vectors, or the machine cannot route them: it is polled then. */
    synchronized Use take(EventFd sign) {
        if (vectors.length == 0) {
            return null;
        }
        Vector best = null;
        int first = vectors.length == 1 ? ADMIN : ADMIN + 1;
        for (int i = first; i < vectors.length; i++) {
            if (best == null || rank(vectors[i], sign) < rank(best, sign)) {
                best = vectors[i];
            }
        }
        return use(best, sign);
    }

    /** For the admin queue; null as in {@link #take}. */
    synchronized Use takeAdmin(EventFd sign) {
        return vectors.length == 0 ? null : use(vectors[ADMIN], sign);
    }

    /** One that goes there already, then a free one, then the one with the fewest uses. */
    private static int rank(Vector vector, EventFd sign) {
        return vector.goesTo(sign) ? -1 : vector.signs.size();
    }

    private Use use(Vector vector, EventFd sign) {
        vector.signs.add(sign);
        try {
            route(vector);
            return new Use(vector.index, sign);
        } catch (RuntimeException refused) {
            vector.signs.remove(sign);
            LOG.warn("{}: no interrupts, it is polled: {}", name, refused.getMessage());
            return null;
        }
    }

    /** Null is ignored. When this returns, the sign is not signalled by us any more. */
    synchronized void giveBack(Use use) {
        if (use == null || !vectors[use.vector].signs.remove(use.sign)) {
            return;
        }
        try {
            route(vectors[use.vector]);
        } catch (RuntimeException e) {
            // Of a function that is leaving.
            LOG.debug("{}: vector {}: {}", name, use.vector, e.getMessage());
        }
    }

    private void route(Vector vector) {
        var different = vector.signs.stream().distinct().toList();
        var before = vector.fan;
        if (different.size() <= 1) {
            if (before != null) {
                before.to(different);
            }
            access.routeInterrupt(vector.index, different.isEmpty() ? null : different.getFirst());
            // Not before: while the function is still routed to it, it is there, and is closed with the rest.
            vector.fan = null;
        } else if (before == null) {
            var fan = new InterruptFan(name + " vector " + vector.index, different);
            try {
                access.routeInterrupt(vector.index, fan.sign());
            } catch (RuntimeException refused) {
                fan.close();
                throw refused;
            }
            vector.fan = fan;
        } else {
            before.to(different);
        }
        if (before != null && vector.fan == null) {
            before.close();
        }
        // An interrupt may have gone where nobody is any more. Whoever is woken looks.
        InterruptFan.signal(different);
    }

    /** The function is not claimed any more. */
    @Override
    public synchronized void close() {
        for (var vector : vectors) {
            vector.signs.clear();
            if (vector.fan != null) {
                vector.fan.close();
                vector.fan = null;
            }
        }
    }
}
