package io.doorbell.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class TargetsTest {
    private static final Duration SHORT = Duration.ofMillis(20);
    private static final Duration LONG = Duration.ofSeconds(60);

    @Test
    void findsAllNamespacesByControllerName() throws Exception {
        try (var node = new EmulatedNode()) {
            node.device("nvme1", EmulatedNode.memory("4MiB:4096"));
            node.device("nvme0", EmulatedNode.memory("4MiB:512"), EmulatedNode.nothing("1TiB:4096"));

            assertThat(targets(node, "", LONG).find())
                    .extracting(Target::name)
                    .containsExactly("EMULATED (nvme0) NSID 1", "EMULATED (nvme0) NSID 2", "EMULATED (nvme1) NSID 1");
        }
    }

    @Test
    void keepsTheOrderOfTheFlagsAndTakesEachNamespaceOnce() throws Exception {
        try (var node = new EmulatedNode()) {
            node.device("nvme0", EmulatedNode.memory("4MiB:512"), EmulatedNode.memory("4MiB:512"));

            assertThat(targets(node, "-r nvme0/2 -r nvme0", LONG).find())
                    .extracting(target -> target.namespace().nsid())
                    .containsExactly(2, 1);
        }
    }

    @Test
    void saysWhichControllerIsMissing() {
        try (var node = EmulatedNode.withMemory("4MiB:512")) {
            assertThatThrownBy(() -> targets(node, "-r nvme7", SHORT).find())
                    .isInstanceOf(PerfException.class)
                    .hasMessage("no controller trtype:EMULATED traddr:nvme7 within 20 ms;"
                            + " there are: trtype:EMULATED traddr:nvme0");
        }
    }

    @Test
    void saysWhichNamespaceIsMissing() {
        try (var node = EmulatedNode.withMemory("4MiB:512")) {
            assertThatThrownBy(() -> targets(node, "-r nvme0/9", SHORT).find())
                    .isInstanceOf(PerfException.class)
                    .hasMessage("no active namespace 9 on EMULATED (nvme0); active: [1]");
        }
    }

    @Test
    void noControllersIsAFailure() {
        try (var node = new EmulatedNode()) {
            assertThatThrownBy(() -> targets(node, "", SHORT).find())
                    .isInstanceOf(PerfException.class)
                    .hasMessage("no NVMe controllers found within 20 ms");
        }
    }

    @Test
    void noNamespacesIsAFailure() {
        try (var node = new EmulatedNode()) {
            node.device("nvme0");

            assertThatThrownBy(() -> targets(node, "", LONG).find())
                    .isInstanceOf(PerfException.class)
                    .hasMessage("no active namespace on any controller");
        }
    }

    @Test
    void waitsForAControllerThatIsBeingBroughtUp() throws Exception {
        try (var node = new EmulatedNode()) {
            var targets = CompletableFuture.supplyAsync(() -> {
                try {
                    return targets(node, "-r nvme0", LONG).find();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });

            node.device("nvme0", EmulatedNode.memory("4MiB:512"));

            assertThat(targets.get(60, TimeUnit.SECONDS)).hasSize(1);
        }
    }

    private static Targets targets(EmulatedNode node, String flags, Duration bound) {
        return new Targets(
                node.resources, PerfOptions.parse(EmulatedNode.words("-q 1 -o 4096 -w read -t 1 " + flags)), bound);
    }
}
