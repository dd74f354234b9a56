package io.doorbell.platform;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Which system calls the threads of this process are in, by /proc. What a test waits for when another thread must be inside a call. */
final class TaskCalls {
    private static final String PPOLL = "271 ";
    private static final long BOUND_NANOS = 60_000_000_000L;

    private TaskCalls() {}

    /** Until some thread sleeps in ppoll. Nothing in the JDK uses it, so that thread is the test's. */
    static void awaitPpoll() {
        long startNanos = System.nanoTime();
        while (!anyIn(PPOLL)) {
            if (System.nanoTime() - startNanos > BOUND_NANOS) {
                throw new AssertionError("no thread came to ppoll");
            }
            Thread.onSpinWait();
        }
    }

    private static boolean anyIn(String call) {
        try (var tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (var task : tasks) {
                if (text(task.resolve("syscall")).startsWith(call)) {
                    return true;
                }
            }
            return false;
        } catch (IOException unreadable) {
            throw new AssertionError(unreadable);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException ended) {
            return ""; // The thread ended since the directory was listed.
        }
    }
}
