package io.doorbell.lab.rdma;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.kernel.Content;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** A node with its defaults, and a Linux host: each does what the manual says, word by word, and nothing else. */
final class DefaultNodeCases {
    private static final String NQN = "nqn.2026-11.io.doorbell:nvme0";

    /** What the manual has in the place of addresses. */
    private static final String EXAMPLE = "192.0.2.10";

    private static final String ON_THE_NODE = "doorbell config io.doorbell.rdma.soft~soft0 address " + EXAMPLE;
    private static final String ON_THE_HOST = "nvme connect -t rdma -a " + EXAMPLE + " -s 4420 -n " + NQN;

    private DefaultNodeCases() {}

    static List<Case> cases() {
        return List.of(new Case("one-command-on-each-side", Duration.ofMinutes(12), DefaultNodeCases::mounted));
    }

    private static void mounted(Guest guest) throws Exception {
        var manual = Files.readString(guest.project().resolve("docs/OPERATIONS.md"));
        try (var node = new DistributedNode(guest)) {
            node.awaitOutput("rdma0 listens at 127.0.0.1:4420");

            var onTheNode = words(manual, ON_THE_NODE);
            node.doorbell(onTheNode.subList(1, onTheNode.size()));
            node.awaitOutput("rdma0 listens at " + RdmaLab.TARGET_ADDRESS + ":4420");
            assertThat(node.doorbell(List.of("subsystems"))).contains(NQN, RdmaLab.TARGET_ADDRESS);

            assertThat(guest.say("nvme", "discover", "-t", "rdma", "-a", RdmaLab.TARGET_ADDRESS, "-s", "4420"))
                    .contains("subnqn:  " + NQN, "traddr:  " + RdmaLab.TARGET_ADDRESS);
            guest.say(words(manual, ON_THE_HOST).toArray(String[]::new));
            try {
                Content.requireFileSystem(guest, Content.random(9), disk(guest));
            } finally {
                guest.say("nvme", "disconnect", "-n", NQN);
            }
            node.stop();
            assertThat(node.output()).contains("stopped");
        }
    }

    /** A line of the manual, for this guest's addresses. */
    private static List<String> words(String manual, String line) {
        assertThat(manual).as("the manual says so").contains("    " + line + "\n");
        return Arrays.asList(line.replace(EXAMPLE, RdmaLab.TARGET_ADDRESS).split(" "));
    }

    /** Of the namespace that is a file, as {@code nvme list} shows it. */
    private static String disk(Guest guest) throws IOException, InterruptedException {
        var listed = guest.say("nvme", "list");
        return listed.lines()
                .filter(row -> row.contains("1.07  GB /"))
                .map(row -> row.split(" ")[0])
                .findFirst()
                .orElseThrow(() -> new AssertionError("no disk of 1.07 GB: " + listed));
    }
}
