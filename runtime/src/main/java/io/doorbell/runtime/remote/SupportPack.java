package io.doorbell.runtime.remote;

import io.doorbell.runtime.Refusal;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * What goes into a pack of diagnosis. Everything has a bound, and whatever looks like a secret is masked: keys and passwords are in
 * files of their own, of which only names are taken, but nothing keeps a person from writing one where it does not belong.
 */
final class SupportPack {
    /** Of each file; of a log, its end. */
    private static final long MAX_FILE_BYTES = 16L << 20;

    private static final int MAX_FILES = 200;
    private static final String NO_ANSWER = "no answer within ";

    private static final int COMMAND_SECONDS = 60;
    private static final int MAX_LISTED = 2_000;

    /** As keys of hosts, and keys of TLS, are written: NVMe Base 2.1 §8.3.5.5.7, NVMe TCP Transport 1.1 §3.6.1.5. */
    private static final Pattern KEY = Pattern.compile("(DHHC-1|NVMeTLSkey-1):[0-9]{2}:[A-Za-z0-9+/=]+:?");

    private static final Pattern SECRET_OPTION =
            Pattern.compile("(?im)^(\\s*#?\\s*[\\w.]*(?:password|secret|passphrase)\\s*=\\s*)(\\S.*)$");

    /** Of a recording: environments and command lines, of this process and of others. */
    private static final String TALKATIVE_EVENTS =
            "InitialEnvironmentVariable,InitialSystemProperty,SystemProcess,JVMInformation,ProcessStart";

    private static final List<String> OF_THE_MACHINE = List.of(
            "/proc/version",
            "/proc/cmdline",
            "/proc/meminfo",
            "/proc/cpuinfo",
            "/proc/modules",
            "/proc/sys/net/core/rmem_max",
            "/proc/sys/kernel/io_uring_disabled",
            "/proc/net/dev",
            "/proc/net/snmp",
            "/proc/net/netstat",
            "/etc/os-release");

    private final ZipOutputStream zip;
    private int files;

    SupportPack(ZipOutputStream zip) {
        this.zip = zip;
    }

    static String masked(String text) {
        return SECRET_OPTION.matcher(KEY.matcher(text).replaceAll("$1:***")).replaceAll("$1***");
    }

    void text(String name, String text) throws IOException {
        bytes(name, masked(text).getBytes(StandardCharsets.UTF_8));
    }

    private void bytes(String name, byte[] bytes) throws IOException {
        if (files++ < MAX_FILES) {
            zip.putNextEntry(new ZipEntry("doorbell-support/" + name));
            zip.write(bytes);
            zip.closeEntry();
        }
    }

    /** What the node says; or why it does not. */
    void answer(String name, Answer answer) throws IOException {
        try {
            text(name, answer.text());
        } catch (Refusal e) {
            text(name, e.getMessage() + "\n");
        }
    }

    void machine() throws IOException {
        for (var file : OF_THE_MACHINE) {
            try {
                text("machine" + file.replace('/', '-') + ".txt", String.join("\n", Files.readAllLines(Path.of(file))));
            } catch (IOException e) {
                text("machine" + file.replace('/', '-') + ".txt", "cannot be read: " + e + "\n");
            }
        }
    }

    void configuration(Path folder) throws IOException {
        for (var file : regularFiles(folder)) {
            var name = file.getFileName().toString();
            if (name.endsWith(".cfg") || name.endsWith(".xml")) {
                text("config/" + name, end(file));
            }
        }
    }

    void logs(Path folder) throws IOException {
        for (var file : regularFiles(folder)) {
            var name = file.getFileName().toString();
            if (name.endsWith(".log")) {
                text("log/" + name, end(file));
            }
        }
    }

    /** Names, sizes and times of what is in the home; of what is in the files, nothing. */
    void listing(Path root) throws IOException {
        try (var files = Files.walk(root, 4)) {
            var lines = new StringBuilder();
            for (var file : files.sorted().limit(MAX_LISTED).toList()) {
                if (Files.isRegularFile(file)) {
                    lines.append(String.format(
                            "%12d  %s  %s%n",
                            Files.size(file), Files.getLastModifiedTime(file), root.relativize(file)));
                }
            }
            text("home.txt", lines.toString());
        }
    }

    /** By jcmd of the JDK that this command runs on, as the user that the node runs as. A JVM that hangs is asked once. */
    void jvm(long pid) throws IOException {
        var jcmd = Path.of(System.getProperty("java.home"), "bin/jcmd").toString();
        var process = Long.toString(pid);
        for (var what :
                List.of("VM.version", "VM.flags", "VM.uptime", "GC.heap_info", "Thread.print", "VM.native_memory")) {
            var said = run(jcmd, process, what);
            text("jvm/" + what + ".txt", said);
            if (said.startsWith(NO_ANSWER)) {
                return;
            }
        }
        var scratch = Files.createTempDirectory("doorbell-support-");
        var threads = scratch.resolve("threads.json");
        var recording = scratch.resolve("recording.jfr");
        try {
            run(jcmd, process, "Thread.dump_to_file", "-format=json", threads.toString());
            text("jvm/threads.json", Files.exists(threads) ? end(threads) : "none\n");
            var said = run(jcmd, process, "JFR.dump", "name=doorbell", "filename=" + recording);
            if (Files.exists(recording)) {
                recording(recording, scratch.resolve("scrubbed.jfr"));
            } else {
                text("jvm/recording.txt", said);
            }
        } finally {
            Files.deleteIfExists(threads);
            Files.deleteIfExists(recording);
            Files.deleteIfExists(scratch);
        }
    }

    /** Without the events that repeat environments and command lines, in which people put secrets. */
    void recording(Path recording, Path scrubbed) throws IOException {
        try {
            var jfr = Path.of(System.getProperty("java.home"), "bin/jfr").toString();
            var said =
                    run(jfr, "scrub", "--exclude-events", TALKATIVE_EVENTS, recording.toString(), scrubbed.toString());
            if (Files.exists(scrubbed)) {
                bytes("jvm/recording.jfr", Files.readAllBytes(scrubbed));
            } else {
                text("jvm/recording.txt", "left out, since it cannot be scrubbed: " + said);
            }
        } finally {
            Files.deleteIfExists(scrubbed);
        }
    }

    private static String run(String... command) throws IOException {
        var output = Files.createTempFile("doorbell-support-", ".txt");
        try {
            var process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            if (!process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return NO_ANSWER + COMMAND_SECONDS + " s\n" + end(output);
            }
            return end(output);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted\n";
        } finally {
            Files.deleteIfExists(output);
        }
    }

    private static List<Path> regularFiles(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private static String end(Path file) throws IOException {
        try (var channel = Files.newByteChannel(file);
                var in = Channels.newInputStream(channel.position(Math.max(0, channel.size() - MAX_FILE_BYTES)))) {
            return new String(in.readNBytes((int) MAX_FILE_BYTES), StandardCharsets.UTF_8);
        }
    }

    @FunctionalInterface
    interface Answer {
        String text() throws IOException;
    }
}
