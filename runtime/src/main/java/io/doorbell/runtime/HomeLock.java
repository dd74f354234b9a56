package io.doorbell.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** {@code var/lock} of a home, seen by others than the node: they only look, since to try the lock would be to have it for a moment. */
public final class HomeLock {
    public static final long NOBODY = -1;
    public static final long SOMEBODY = 0;

    /** Of a line of {@code /proc/locks}. */
    private static final int PID = 4;

    private HomeLock() {}

    /** Whether a node has the home open now; true where the kernel does not say. proc_locks(5). */
    public static boolean isHeld(Path home) {
        return holder(home) != NOBODY;
    }

    /** The process of the node that has the home open now: {@link #NOBODY}, or {@link #SOMEBODY} where the kernel does not say which. */
    public static long holder(Path home) {
        var file = home.resolve("var/lock");
        if (Files.notExists(file)) {
            return NOBODY;
        }
        try {
            var inode = ":" + Files.getAttribute(file, "unix:ino") + " ";
            return Files.readAllLines(Path.of("/proc/locks")).stream()
                    .filter(line -> line.contains(inode))
                    .mapToLong(HomeLock::pid)
                    .findFirst()
                    .orElse(NOBODY);
        } catch (IOException | UnsupportedOperationException e) {
            return SOMEBODY; // Then the address of the node, or its absence, tells.
        }
    }

    /** Of a line such as "1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 0 EOF"; a process of another PID namespace is 0 there. */
    private static long pid(String line) {
        var fields = line.strip().split("\\s+");
        return fields.length > PID && fields[PID].matches("[1-9]\\d{0,9}") ? Long.parseLong(fields[PID]) : SOMEBODY;
    }
}
