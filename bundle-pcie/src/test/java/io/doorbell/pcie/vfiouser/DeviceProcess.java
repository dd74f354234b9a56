package io.doorbell.pcie.vfiouser;

import io.doorbell.backends.FileBackend;
import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.emulator.vfiouser.VfioUserServer;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import java.io.IOException;
import java.nio.file.Path;

/** A device in a process of its own, which a test kills. Arguments: the directory of its socket, and its namespace. */
final class DeviceProcess implements AutoCloseable {
    private final Process process;

    private DeviceProcess(Process process) {
        this.process = process;
    }

    public static void main(String[] arguments) throws InterruptedException {
        var subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:test", "SERIAL1", "Doorbell test");
        subsystem.addNamespace(DeviceRig.NSID, new FileBackend().open(NamespaceSpec.parse(arguments[1])));
        var function = EmulatedFunction.create(
                EmulatorSettings.of("nvme0"), subsystem, new ReactorPool(ReactorOptions.DEFAULT));
        new VfioUserServer(function, Path.of(arguments[0]));
        // Until it is killed, or whoever started it ends.
        while (ProcessHandle.current().parent().isPresent()) {
            Thread.sleep(200);
        }
        Runtime.getRuntime().halt(1);
    }

    static DeviceProcess start(Path directory, String namespace) throws IOException {
        return new DeviceProcess(new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:TieredStopAtLevel=1",
                        "-Xshare:auto",
                        "-XX:+UseSerialGC",
                        "-Ddoorbell.log=OFF",
                        "-cp",
                        System.getProperty("java.class.path"),
                        DeviceProcess.class.getName(),
                        directory.toString(),
                        namespace)
                .inheritIO()
                .start());
    }

    /** SIGKILL. */
    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
