package io.doorbell.lab.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Debian's package tool, asked as this machine has it configured; nothing is installed. What it needs to know beside that is in a folder of ours. */
final class Apt {
    /** Half a gigabyte is got, from wherever this machine has its packages from. */
    private static final Duration BOUND = Duration.ofMinutes(20);

    private final List<String> options;

    private Apt(List<String> options) {
        this.options = options;
    }

    /** What it knows already. */
    static Apt asItIs() {
        return new Apt(List.of());
    }

    /** With lists of packages in a folder of ours, which {@link #update} gets. */
    static Apt withListsIn(Path folder) throws IOException {
        Files.createDirectories(folder.resolve("lists/partial"));
        return new Apt(List.of(
                "-o", "Dir::State::Lists=" + folder.resolve("lists"),
                "-o", "Dir::Cache::pkgcache=" + folder.resolve("pkgcache.bin"),
                "-o", "Dir::Cache::srcpkgcache=" + folder.resolve("srcpkgcache.bin")));
    }

    /** The same, from these sources alone. */
    Apt from(Path sources) {
        var more = new ArrayList<>(options);
        more.addAll(List.of("-o", "Dir::Etc::SourceList=" + sources, "-o", "Dir::Etc::SourceParts=/dev/null"));
        return new Apt(more);
    }

    void update(Path folder) throws IOException, InterruptedException {
        // Or it would be content with lists that it did not get.
        run(folder, "apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any");
    }

    /**
     * @param folder to work in, and where what is downloaded goes
     * @throws Skipped when it fails, or does not end
     */
    Tool.Outcome run(Path folder, String... words) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(words));
        // The user that apt downloads as cannot write into a folder of ours.
        command.addAll(1, List.of("-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=3"));
        command.addAll(1, options);
        Tool.Outcome outcome;
        try {
            outcome = Tool.run(folder, BOUND, Map.of(), command);
        } catch (LabException endless) {
            throw new Skipped(endless.getMessage());
        }
        if (!outcome.succeeded()) {
            throw new Skipped(String.join(" ", List.of(words).subList(0, 2)) + " failed: " + outcome.last());
        }
        return outcome;
    }

    void download(Path folder, Iterable<String> names) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("apt-get", "download", "-q"));
        names.forEach(command::add);
        run(folder, command.toArray(String[]::new));
    }
}
