package io.doorbell.reactor;

import java.util.List;

/** Hands out reactors (a service). All methods may be called by any thread. */
public interface Reactors {

    /** What the reactor is for, which decides where it goes when no CPU is named: hosts from the first allowed CPU up, devices from the last one down. */
    enum Role {
        HOST,
        DEVICE
    }

    /** Any CPU the placement of the role gives. */
    int ANY_CPU = -1;

    /**
     * A new reactor with a thread of its own; the caller closes it.
     *
     * @param name unique among living reactors, seen as the thread's name and in management
     * @param cpu the CPU to run on, or {@link #ANY_CPU}
     * @throws IllegalArgumentException for a CPU this process may not use; the message lists those it may
     */
    Reactor open(String name, Role role, int cpu);

    /** The living reactors. */
    List<Reactor> reactors();
}
