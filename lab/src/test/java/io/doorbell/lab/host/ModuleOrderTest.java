package io.doorbell.lab.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModuleOrderTest {
    @TempDir
    Path folder;

    @BeforeEach
    void writeWhatDepmodWrites() throws IOException {
        Files.write(
                folder.resolve("modules.dep"),
                List.of(
                        "kernel/fs/9p/9p.ko: kernel/fs/fscache/fscache.ko kernel/net/9p/9pnet.ko",
                        "kernel/fs/fscache/fscache.ko:",
                        "kernel/net/9p/9pnet.ko:",
                        "kernel/net/9p/9pnet_virtio.ko: kernel/net/9p/9pnet.ko"));
        Files.write(folder.resolve("modules.builtin"), List.of("kernel/drivers/char/virtio-rng.ko"));
    }

    @Test
    void putsWhatAModuleNeedsBeforeItAndNothingTwice() throws IOException {
        assertThat(new ModuleOrder(folder).of(List.of("9pnet-virtio", "9p")))
                .extracting(file -> folder.relativize(file).toString())
                .containsExactly(
                        "kernel/net/9p/9pnet.ko",
                        "kernel/net/9p/9pnet_virtio.ko",
                        "kernel/fs/fscache/fscache.ko",
                        "kernel/fs/9p/9p.ko");
    }

    @Test
    void leavesOutWhatTheKernelHasBuiltIn() throws IOException {
        assertThat(new ModuleOrder(folder).of(List.of("virtio_rng"))).isEmpty();
    }

    @Test
    void refusesAModuleThatTheKernelHasNot() throws IOException {
        var order = new ModuleOrder(folder);

        assertThatThrownBy(() -> order.of(List.of("nvme")))
                .isInstanceOf(LabException.class)
                .hasMessageContaining("nvme");
    }
}
