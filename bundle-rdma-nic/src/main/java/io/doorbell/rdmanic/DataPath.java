package io.doorbell.rdmanic;

import io.doorbell.platform.IbvCq;
import io.doorbell.platform.IbvQp;
import java.lang.foreign.MemorySegment;

/** How requests get to a queue pair, and completions from their queue. A process has one of them, so a call through it is of one kind. */
sealed interface DataPath permits RdmaCorePath, DisniPath {

    /** For the log. */
    String name();

    /** As {@link IbvQp#postSend}. */
    int postSend(IbvQp pair, MemorySegment requests, int count);

    /** As {@link IbvQp#postReceive}. */
    int postReceive(IbvQp pair, MemorySegment requests, int count);

    /** As {@link IbvCq#poll}. */
    int poll(IbvCq queue, MemorySegment completions, int most);
}
