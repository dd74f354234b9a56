package io.doorbell.driver;

import io.doorbell.platform.EventFd;

/** Waking whoever sleeps on a sign. Any thread. */
public final class Signs {
    private Signs() {}

    /** Null and a closed one are ignored: its owner sleeps there no more. */
    public static void signal(EventFd one) {
        if (one != null) {
            try {
                one.signal();
            } catch (IllegalStateException closed) {
                // As above.
            }
        }
    }
}
