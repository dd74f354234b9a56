package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.modulepath.LibraryProgram;
import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ModulePathTest {
    private static final List<String> MODULES = List.of(
            "nvme-spec",
            "platform",
            "api",
            "driver",
            "pci-bus",
            "vfio-user",
            "bundle-pcie",
            "resource-manager",
            "subsystem",
            "backends",
            "emulator",
            "jackson-",
            "slf4j-api");

    @Test
    void isADriverLibraryOnAPlainModulePath() throws Exception {
        var tests = Path.of(LibraryProgram.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        var modules = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !Path.of(entry).equals(tests))
                .filter(entry -> MODULES.stream().anyMatch(entry::contains))
                .collect(Collectors.joining(File.pathSeparator));

        var process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--module-path",
                        modules,
                        "--add-modules",
                        "io.doorbell.pcie,io.doorbell.emulator,io.doorbell.subsystem,io.doorbell.backends,io.doorbell.resources",
                        "--enable-native-access=io.doorbell.platform",
                        "--illegal-native-access=deny",
                        "-cp",
                        tests.toString(),
                        LibraryProgram.class.getName())
                .redirectErrorStream(true)
                .start();
        var output = new String(process.getInputStream().readAllBytes());

        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(output).contains("read 4711");
        assertThat(process.exitValue()).as(output).isZero();
    }
}
