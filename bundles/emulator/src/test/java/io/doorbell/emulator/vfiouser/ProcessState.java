package io.doorbell.emulator.vfiouser;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** What this process holds, which in these tests is client and server. */
final class ProcessState {
    private ProcessState() {}

    /** How often a memfd of this name is mapped. */
    static int mappings(String name) {
        try {
            return (int) Files.readAllLines(Path.of("/proc/self/maps")).stream()
                    .filter(line -> line.contains("/memfd:" + name + " "))
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

    /** The number by which this process has a file open. */
    static int descriptor(Path file) throws IOException {
        try (var descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (var descriptor : descriptors) {
                if (leadsTo(descriptor, file)) {
                    return Integer.parseInt(descriptor.getFileName().toString());
                }
            }
        }
        throw new AssertionError(file + " is not open");
    }

    /** One that another thread closes while we look does not. */
    private static boolean leadsTo(Path descriptor, Path file) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).equals(file.toRealPath());
        } catch (NoSuchFileException closed) {
            return false;
        }
    }
}
