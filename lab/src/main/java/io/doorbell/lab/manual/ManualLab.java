package io.doorbell.lab.manual;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.lab.Case;
import io.doorbell.lab.Lab;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.kernel.KernelHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A reader of the manual who types what stands there and nothing else, on a machine with a kernel that is not ours, which has
 * what a Debian has, and a clone that is built.
 */
public final class ManualLab implements Lab {
    private static final String CHAPTER = "From clone to a mounted file system";

    /** The manual says that it is the one of 1.07 GB, whatever it is called. */
    private static final String DISK = "/dev/nvme0n1";

    /** A JVM in the guest is ten times slower than outside, there are six, and the machine may have other things to do. */
    private static final Duration BOUND = Duration.ofMinutes(18);

    private static final Duration LINE_BOUND = Duration.ofMinutes(10);

    @Override
    public String name() {
        return "manual";
    }

    /** {@code nvme-tcp} is the reader's to load. */
    @Override
    public List<String> modules() {
        return List.of("crc32c_generic", "ext4");
    }

    @Override
    public List<String> devices(Images images) {
        return List.of();
    }

    @Override
    public List<Case> cases() {
        return List.of(new Case("from-clone-to-a-mounted-file-system", BOUND, ManualLab::mounted));
    }

    private static void mounted(Guest guest) throws Exception {
        var typed = Manual.typedIn(guest.project().resolve("docs/OPERATIONS.md"), CHAPTER);
        prepare(guest);
        var environment = Map.of(
                "LD_LIBRARY_PATH", System.getenv("LAB_LIBRARIES"), "DOORBELL_JAVA_OPTS", "-XX:TieredStopAtLevel=1");
        try (var shell = new Shell(guest.project(), environment, LINE_BOUND)) {
            // Who has the guest is root already, and not every machine has that program.
            shell.type("sudo() { \"$@\"; }");
            shell.await();
            var reader = new Reader(shell);
            for (var line : typed) {
                reader.does(line);
            }
            assertThat(reader.seen).as("steps that the manual has to have").containsExactlyInAnyOrder(Step.values());
        }
    }

    /**
     * What a machine has and the guest does not: its kernel's modules in their place. It sees the project as it was built, and has nothing to build
     * itself when somebody changes a source meanwhile.
     */
    private static void prepare(Guest guest) throws Exception {
        var release = guest.say("uname", "-r");
        var modules = Path.of("/lib/modules").resolve(release);
        if (Files.notExists(modules)) {
            Files.createDirectories(modules.getParent());
            Files.createSymbolicLink(modules, Path.of(System.getenv("LAB_ROOT"), "lib/modules", release));
        }
        guest.run(
                "touch",
                "-d",
                "next year",
                guest.project().resolve("build/built").toString());
    }

    /** Those at which there is something to look at. */
    private enum Step {
        RUN("./doorbell run "),
        STATUS("./doorbell status"),
        DISCOVER("sudo nvme discover "),
        LIST("sudo nvme list"),
        MAKE("sudo mkfs.ext4 "),
        WRITE("sudo dd "),
        HOSTS("./doorbell hosts"),
        TOP("./doorbell top "),
        END("kill ");

        private final String begin;

        Step(String begin) {
            this.begin = begin;
        }
    }

    private static final class Reader {
        private final Shell shell;
        private final Set<Step> seen = new HashSet<>();
        private String disk = DISK;

        Reader(Shell shell) {
            this.shell = shell;
        }

        void does(String line) throws Exception {
            shell.type(line.replace(DISK, disk));
            for (var step : Step.values()) {
                if (line.startsWith(step.begin)) {
                    seen.add(step);
                    looksAt(step);
                    return;
                }
            }
            shell.await();
        }

        private void looksAt(Step step) throws Exception {
            switch (step) {
                case RUN -> {
                    shell.await();
                    awaitOutput("up after");
                    awaitOutput("tcp0 listens at");
                }
                case STATUS ->
                    assertThat(shell.await()).containsPattern("(?m)^well").contains("http://127.0.0.1:8181/");
                case DISCOVER -> assertThat(shell.await()).contains("subnqn:  nqn.2026-11.io.doorbell:nvme0");
                case LIST -> {
                    var listed = shell.await();
                    disk = listed.lines()
                            .filter(row -> row.contains("1.07  GB /"))
                            .map(row -> row.split(" ")[0])
                            .findFirst()
                            .orElseThrow(() -> new AssertionError("no disk of 1.07 GB: " + listed));
                }
                case MAKE -> assertThat(shell.await()).contains("done");
                case WRITE -> {
                    new Page(Path.of(System.getenv("HOME"), "node")).awaitWritesOfAHost();
                    shell.await();
                }
                case HOSTS -> assertThat(shell.await()).contains("nqn.2014-08.org.nvmexpress:uuid:");
                case TOP -> assertThat(shell.await()).contains("WRITE IOPS", "nqn.2026-11.io.doorbell:nvme0/1");
                case END -> {
                    shell.await();
                    awaitOutput("stopped");
                }
            }
        }

        private void awaitOutput(String words) throws IOException {
            KernelHost.await(words, LINE_BOUND, () -> shell.output().contains(words));
        }
    }
}
