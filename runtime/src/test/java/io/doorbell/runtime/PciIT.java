package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From the assembled distribution, which has to bring what the command stands on. On whatever bus this machine has; nothing is changed. */
class PciIT {
    private static final Duration BOUND = Duration.ofSeconds(180);

    @TempDir
    private Path folder;

    @Test
    void listsAndRefusesWithoutANode() throws IOException, InterruptedException {
        try (var list = NodeProcess.doorbell(folder, "pci", "list", "--all");
                var bind = NodeProcess.doorbell(folder, "pci", "bind", "ffff:ff:1f.7");
                var unbind = NodeProcess.doorbell(folder, "pci", "unbind", "ffff:ff:1f.7")) {
            assertThat(list.exitCode(BOUND)).as(list.output()).isZero();
            assertThat(bind.exitCode(BOUND)).as(bind.output()).isEqualTo(1);
            assertThat(unbind.exitCode(BOUND)).as(unbind.output()).isEqualTo(1);
            assertThat(bind.output()).startsWith("doorbell: ffff:ff:1f.7: there is no such PCI function");
        }
    }
}
