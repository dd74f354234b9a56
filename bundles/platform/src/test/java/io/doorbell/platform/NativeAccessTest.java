package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Starts JVMs, for which a busy machine takes half a minute. */
@Timeout(300)
class NativeAccessTest {
    /** What a JVM of its own runs. */
    static final class Allocates {
        public static void main(String[] arguments) {
            try (var memory = NativeMemory.allocate(4_096)) {
                System.out.println("allocated " + memory.segment().byteSize());
            } catch (PlatformException refused) {
                System.out.println(refused.getMessage());
            }
        }
    }

    @Test
    void aJvmWithoutTheFlagIsToldTheFlag() throws Exception {
        assertThat(run())
                .isEqualTo("This JVM may not call native code. Start it with --enable-native-access=ALL-UNNAMED");
    }

    @Test
    void aJvmWithTheFlagAllocates() throws Exception {
        assertThat(run("--enable-native-access=ALL-UNNAMED")).isEqualTo("allocated 4096");
    }

    @Test
    void onAModulePathTheFlagNamesTheModule() {
        assertThat(NativeAccess.problem("Linux", "amd64", false, "io.doorbell.platform"))
                .hasValueSatisfying(
                        problem -> assertThat(problem).endsWith("--enable-native-access=io.doorbell.platform"));
    }

    @Test
    void otherMachinesAreRefusedByName() {
        assertThat(NativeAccess.problem("Linux", "aarch64", true, "ALL-UNNAMED"))
                .hasValueSatisfying(problem -> assertThat(problem).contains("x86-64", "aarch64"));
        assertThat(NativeAccess.problem("Mac OS X", "amd64", true, "ALL-UNNAMED"))
                .hasValueSatisfying(problem -> assertThat(problem).contains("Linux", "Mac OS X"));
        assertThat(NativeAccess.problem("Linux", "amd64", true, "ALL-UNNAMED")).isEmpty();
    }

    private static String run(String... flags) throws Exception {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-Xshare:auto"));
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Allocates.class.getName()));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output.strip();
    }
}
