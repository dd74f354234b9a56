package io.doorbell.lab.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A kernel with its modules, as a package was unpacked.
 *
 * @param root below which {@code boot} and {@code lib/modules} are
 */
record Kernel(Path root) {
    /** As {@code uname -r} says it. */
    String release() throws IOException {
        try (var releases = Files.list(root.resolve("lib/modules"))) {
            return releases.map(path -> path.getFileName().toString())
                    .max(String::compareTo)
                    .orElseThrow(() -> new LabException("no kernel in " + root));
        }
    }

    Path image() throws IOException {
        return root.resolve("boot/vmlinuz-" + release());
    }

    Path modules() throws IOException {
        return root.resolve("lib/modules").resolve(release());
    }
}
