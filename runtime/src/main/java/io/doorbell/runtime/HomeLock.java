package io.doorbell.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** {@code var/lock} of a home, seen by others than the node: they only look, since to try the lock would be to have it for a moment. */
public final class HomeLock {
    private HomeLock() {}

    /** Whether a node has the home open now; true where the kernel does not say. proc_locks(5). */
    public static boolean isHeld(Path home) {
        var file = home.resolve("var/lock");
        if (Files.notExists(file)) {
            return false;
        }
        try {
            var inode = ":" + Files.getAttribute(file, "unix:ino") + " ";
            return Files.readAllLines(Path.of("/proc/locks")).stream().anyMatch(line -> line.contains(inode));
        } catch (IOException | UnsupportedOperationException e) {
            return true; // Then the address of the node, or its absence, tells.
        }
    }
}
