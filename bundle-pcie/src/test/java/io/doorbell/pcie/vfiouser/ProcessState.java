package io.doorbell.pcie.vfiouser;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;

/** What this process holds, which in these tests is often client and device. */
final class ProcessState {
    private static final long BOUND_NANOS = 60_000_000_000L;

    private ProcessState() {}

    /** How often memfds whose names begin so are mapped. */
    static int mappings(String name) {
        try {
            return (int) Files.readAllLines(Path.of("/proc/self/maps")).stream()
                    .filter(line -> line.contains("/memfd:" + name))
                    .count();
        } catch (IOException unreadable) {
            throw new AssertionError(unreadable);
        }
    }

    static int openDescriptors() {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return (int) descriptors.count();
        } catch (IOException unreadable) {
            throw new AssertionError(unreadable);
        }
    }

    /** What the descriptors of this process are of, sorted. */
    static List<String> descriptors() {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors
                    .map(descriptor -> {
                        try {
                            return Files.readSymbolicLink(descriptor).toString();
                        } catch (IOException closedSince) {
                            return "";
                        }
                    })
                    .sorted()
                    .toList();
        } catch (IOException unreadable) {
            throw new AssertionError(unreadable);
        }
    }

    static void await(BooleanSupplier condition) {
        long startNanos = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - startNanos > BOUND_NANOS) {
                throw new AssertionError("waited for 30 s");
            }
            Thread.yield();
        }
    }
}
