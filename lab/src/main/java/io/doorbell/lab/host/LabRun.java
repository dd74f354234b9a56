package io.doorbell.lab.host;

import io.doorbell.lab.Case;
import io.doorbell.lab.Lab;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.guest.GuestMain;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** One lab from nothing to its last line. */
final class LabRun {
    private static final Duration POWER_OFF_BOUND = Duration.ofSeconds(60);

    private final Path folder;
    private final Lab lab;
    private final Duration bound;
    private final int seconds;
    private final Progress progress;

    /** @param seconds for cases that can go on for as long as one wants; 0 for as long as they do by themselves */
    LabRun(Path folder, Lab lab, Duration bound, int seconds, Progress progress) {
        this.folder = folder;
        this.lab = lab;
        this.bound = bound;
        this.seconds = seconds;
        this.progress = progress;
    }

    /** @return whether all passed */
    boolean run(List<Case> cases, Report report) throws IOException, InterruptedException {
        var packages = Packages.in(folder, progress);
        var more = lab.packages().isEmpty()
                ? ""
                : MorePackages.in(folder.resolve("more"), lab.packages(), progress)
                        .toString();
        var logs = Files.createDirectories(folder.resolve(lab.name()));
        // The guest reads the script and this one's log while it runs: one run of a lab at a time.
        try (var channel = FileChannel.open(logs.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                var _ = channel.lock()) {
            var classes = classes(logs.resolve("classes"));
            var usual = cases.stream().filter(one -> !one.newerKernel()).toList();
            if (!usual.isEmpty()) {
                boot(new Way(packages, packages.kernel(), more, classes, logs, ""), usual, report);
            }
            var others = cases.stream().filter(Case::newerKernel).toList();
            if (!others.isEmpty()) {
                runOnNewerKernel(packages, more, classes, logs, others, report);
            }
        }
        report.end();
        return report.allPassed();
    }

    private void runOnNewerKernel(
            Packages packages, String more, Path classes, Path logs, List<Case> cases, Report report)
            throws IOException, InterruptedException {
        Kernel kernel;
        try {
            kernel = NewerKernel.in(folder.resolve("newer"), packages, progress);
        } catch (Skipped none) {
            cases.forEach(one -> report.skipped(one.name(), "no newer kernel here: " + none.getMessage()));
            return;
        }
        boot(new Way(packages, kernel, more, classes, logs, "-newer"), cases, report);
    }

    /**
     * How a guest is come by.
     *
     * @param more where the lab's own packages are
     * @param suffix of what is written about it
     */
    private record Way(Packages packages, Kernel kernel, String more, Path classes, Path logs, String suffix) {
        Path log(String name, String extension) {
            return logs.resolve(name + suffix + extension);
        }
    }

    private void boot(Way way, List<Case> cases, Report report) throws IOException, InterruptedException {
        var image = GuestImage.in(folder, way.packages, way.kernel);
        var console = way.log("console", ".log");
        var start = Files.writeString(way.log("start", ".sh"), script(way));
        progress.say("booting " + way.kernel.release() + "; the guest's console is " + console);
        try {
            runIn(way, image, start, console, cases, report);
        } catch (GuestTalk.NotBooted once) {
            // Somebody else's kernel on a busy machine: nothing that we claim was looked at yet.
            progress.say(once.getMessage() + "; booting once more");
            runIn(way, image, start, console, cases, report);
        }
    }

    private void runIn(Way way, Path image, Path start, Path console, List<Case> cases, Report report)
            throws IOException, InterruptedException {
        var over = new CountDownLatch(1);
        try (var machine = Machine.boot(way.packages, way.kernel, image, lab, start, console, bound)) {
            // Closing the port is what ends a talk with a guest that hangs.
            var watch = Thread.ofVirtual().start(() -> closeAfterBound(machine, over));
            try {
                new GuestTalk(machine.port(), machine.monitor()::execute, report).run(cases);
                if (!machine.awaitEnd(POWER_OFF_BOUND)) {
                    progress.say("the guest did not power off");
                }
            } finally {
                over.countDown();
                watch.join();
                if (!report.allPassed()) {
                    progress.say("the last lines of QEMU and of the guest:\n" + machine.lastLines());
                }
            }
        }
    }

    private void closeAfterBound(Machine machine, CountDownLatch over) {
        try {
            if (!over.await(bound.toSeconds(), TimeUnit.SECONDS)) {
                progress.say("not over after " + bound.toMinutes() + " minutes");
                machine.port().close();
            }
        } catch (InterruptedException | IOException e) {
            progress.say("the time is not watched any more: " + e);
        }
    }

    /** What the guest does once it sees the machine's files. */
    private String script(Way way) {
        var java = Path.of(System.getProperty("java.home"), "bin/java");
        var root = way.packages.root();
        return """
            export PATH=/usr/sbin:/usr/bin:/sbin:/bin:%1$s/usr/sbin:%1$s/usr/bin:%1$s/sbin:%1$s/bin
            export HOME=/root LC_ALL=C.UTF-8 JAVA_HOME=%2$s LAB_ROOT=%1$s LAB_LIBRARIES=%3$s LAB_KERNEL=%12$s LAB_MORE=%13$s
            # Who drives what is for the cases to say.
            echo 0 >/sys/bus/pci/drivers_autoprobe
            %1$s/sbin/modprobe -d %12$s -a %4$s || exit 1
            %10$s
            for port in /sys/class/virtio-ports/*; do
                [ "$(cat $port/name)" = %5$s ] && device=/dev/${port##*/}
            done
            %11$s%2$s/bin/java -XX:+UseSerialGC %15$s -Xmx1g -Xshare:auto \\
                --enable-native-access=ALL-UNNAMED -Ddoorbell.root=%6$s %14$s \\
                -cp '%7$s/*' %8$s %9$s $device
            """.formatted(
                        root,
                        java.getParent().getParent(),
                        way.packages.libraries(),
                        String.join(" ", lab.modules()),
                        Machine.PORT,
                        System.getProperty("doorbell.root"),
                        way.classes,
                        GuestMain.class.getName(),
                        lab.name(),
                        lab.preparation().stream()
                                .map(line -> "LD_LIBRARY_PATH=$LAB_LIBRARIES " + line + " || exit 1\n")
                                .collect(Collectors.joining()),
                        lab.networkNamespace().isEmpty()
                                ? ""
                                : "LD_LIBRARY_PATH=$LAB_LIBRARIES ip netns exec " + lab.networkNamespace() + " ",
                        way.kernel.root(),
                        way.more,
                        seconds == 0 ? "" : "-D" + Guest.SECONDS + "=" + seconds,
                        lab.javaOptions());
    }

    /** A copy: the guest reads it as it goes, and somebody may build meanwhile. */
    private static Path classes(Path copy) throws IOException {
        Packages.delete(copy);
        Files.createDirectories(copy);
        var jar = jar();
        Files.copy(jar, copy.resolve(jar.getFileName()));
        try (var libraries = Files.newDirectoryStream(jar.resolveSibling("lib"), "*.jar")) {
            for (var library : libraries) {
                Files.copy(library, copy.resolve(library.getFileName()));
            }
        }
        return copy;
    }

    private static Path jar() {
        try {
            return Path.of(LabRun.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
