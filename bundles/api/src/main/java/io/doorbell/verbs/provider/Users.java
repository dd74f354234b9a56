package io.doorbell.verbs.provider;

import java.util.ArrayList;
import java.util.List;

/** Counts who uses an object of a device, which is not closed while somebody does. Any thread. */
public final class Users {
    private final String object;
    private final String kinds;

    // Guarded by this.
    private int count;
    private boolean closed;

    /**
     * @param object in words, as "protection domain"
     * @param kinds what uses it, as "queue pairs"
     */
    public Users(String object, String kinds) {
        this.object = object;
        this.kinds = kinds;
    }

    /** @throws IllegalStateException when it is closed */
    public synchronized void retain() {
        if (closed) {
            throw new IllegalStateException("this " + object + " is closed");
        }
        count++;
    }

    public synchronized void release() {
        count--;
    }

    /**
     * All of them, or none.
     *
     * @param all of which some may be null
     * @return what is to be released then
     * @throws IllegalStateException when one is closed
     */
    public static List<Users> retain(Users... all) {
        var used = new ArrayList<Users>();
        for (var each : all) {
            if (each != null) {
                try {
                    each.retain();
                } catch (IllegalStateException closed) {
                    release(used);
                    throw closed;
                }
                used.add(each);
            }
        }
        return List.copyOf(used);
    }

    public static void release(List<Users> all) {
        all.forEach(Users::release);
    }

    /**
     * Ends the object. Does nothing the second time; when the end throws it can be tried again.
     *
     * @throws IllegalStateException while it is used
     */
    public synchronized void close(Runnable end) {
        if (count > 0) {
            throw new IllegalStateException("this " + object + " is in use: " + count + " " + kinds);
        }
        if (!closed) {
            end.run();
            closed = true;
        }
    }
}
