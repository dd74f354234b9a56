package io.doorbell.runtime.remote;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.runtime.Refusal;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SupportPackTest {
    private static final String KEY = "DHHC-1:01:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";
    private static final String TLS = "NVMeTLSkey-1:01:VRLbtnN9AQb2WXW3c9+wEf/DRLz0QuLdbYvEhwtdWwNf9LrZ:";

    @TempDir
    private Path home;

    private interface Packing {
        void into(SupportPack pack) throws IOException;
    }

    private static Map<String, String> packed(Packing packing) throws IOException {
        return packed(packing, null);
    }

    /** @param copy where the bytes of the last entry go too, or null */
    private static Map<String, String> packed(Packing packing, Path copy) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(bytes)) {
            packing.into(new SupportPack(zip));
        }
        var entries = new TreeMap<String, String>();
        try (var in = new ZipInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            for (var entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                var content = in.readAllBytes();
                entries.put(
                        entry.getName().replaceFirst("^doorbell-support/", ""),
                        new String(content, StandardCharsets.UTF_8));
                if (copy != null) {
                    Files.write(copy, content);
                }
            }
        }
        return entries;
    }

    @Test
    void keysAndPasswordsAreMaskedWhereverTheyStand() {
        assertThat(SupportPack.masked(
                        "a " + KEY + " b\nkey.file = keys/a\n" + TLS + "\npassword = horse\n# x.secret= y z"))
                .isEqualTo("a DHHC-1:*** b\nkey.file = keys/a\nNVMeTLSkey-1:***\npassword = ***\n# x.secret= ***");
        assertThat(SupportPack.masked("password.file = var/management.password"))
                .isEqualTo("password.file = var/management.password");
    }

    @Test
    void ofTheHomeOnlyConfigurationAndLogsAreReadAndTheRestIsNamed() throws IOException {
        Files.createDirectories(home.resolve("config"));
        Files.createDirectories(home.resolve("var/log"));
        Files.writeString(home.resolve("config/a.cfg"), "port = 1\n");
        Files.writeString(home.resolve("config/host.key"), KEY);
        Files.writeString(home.resolve("var/management.password"), "correct horse");
        Files.writeString(home.resolve("var/log/doorbell.log"), "host came with " + KEY + "\n");
        Files.writeString(home.resolve("var/disk"), "data of a host");

        var entries = packed(pack -> {
            pack.configuration(home.resolve("config"));
            pack.logs(home.resolve("var/log"));
            pack.listing(home);
        });

        assertThat(entries).containsOnlyKeys("config/a.cfg", "log/doorbell.log", "home.txt");
        assertThat(entries.get("log/doorbell.log")).isEqualTo("host came with DHHC-1:***\n");
        assertThat(entries.get("home.txt")).contains("var/management.password", "var/disk", "config/host.key");
        assertThat(entries.values().toString())
                .doesNotContain("correct horse", "data of a host", "ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n");
    }

    @Test
    void whatTheNodeRefusesToSayIsInThePackInItsPlace() throws IOException {
        var entries = packed(pack -> pack.answer("node/Rdma.json", () -> {
            throw new Refusal("the node has no Rdma now");
        }));

        assertThat(entries).containsEntry("node/Rdma.json", "the node has no Rdma now\n");
    }

    @Test
    void aRecordingHasNoEnvironmentAndNoCommandLines() throws Exception {
        var java = Path.of(System.getProperty("java.home"), "bin");
        var recording = home.resolve("recording.jfr");
        var recorded = new ProcessBuilder(
                        java.resolve("java").toString(),
                        "-XX:StartFlightRecording=filename=" + recording,
                        "-Dsome.secret=correct-horse",
                        "-version")
                .redirectErrorStream(true);
        recorded.environment().put("SOME_SECRET", "battery-staple");
        recorded.environment().put("JAVA_TOOL_OPTIONS", "");
        succeeds(recorded);
        assertThat(shown(recording)).contains("correct-horse", "battery-staple", "jdk.ActiveRecording");

        var entries = packed(pack -> pack.recording(recording, home.resolve("scrubbed.jfr")), home.resolve("pack.jfr"));

        assertThat(entries).containsOnlyKeys("jvm/recording.jfr");
        assertThat(shown(home.resolve("pack.jfr")))
                .contains("jdk.ActiveRecording")
                .doesNotContain("correct-horse")
                .doesNotContain("battery-staple");
        assertThat(home.resolve("scrubbed.jfr")).doesNotExist();
    }

    private String shown(Path recording) throws Exception {
        var jfr = Path.of(System.getProperty("java.home"), "bin/jfr").toString();
        return succeeds(new ProcessBuilder(jfr, "print", recording.toString()));
    }

    private String succeeds(ProcessBuilder builder) throws Exception {
        var output = Files.createTempFile(home, "output", ".txt");
        var process = builder.redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.waitFor()).as(Files.readString(output)).isZero();
        return Files.readString(output);
    }

    @Test
    void theMachineIsDescribed() throws IOException {
        assertThat(packed(SupportPack::machine).get("machine-proc-meminfo.txt")).contains("MemTotal");
    }
}
