package io.doorbell.rdmanic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which engine there is. What each does is {@code ./doorbell lab rdma-nic}'s to say. */
class EngineTest {
    @Test
    void anEngineThatThereIsNotIsRefusedWithThoseThatThereAre() {
        assertThat(List.of("auto", "disni", "panama").stream().map(Engine::named))
                .containsExactly(Engine.AUTO, Engine.DISNI, Engine.PANAMA);
        assertThatThrownBy(() -> Engine.named("mlx"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("engine = mlx: auto, disni or panama");
    }

    /** That is what {@code auto} goes by, and that DiSNI's classes are there. */
    @Test
    void whereLibdisniIsNotInstalledItSaysSo() {
        assumeThat(Arrays.stream(System.getProperty("java.library.path").split(":"))
                        .map(folder -> Path.of(folder, "libdisni.so"))
                        .filter(Files::exists))
                .as("installed")
                .isEmpty();

        assertThatThrownBy(DisniPath::load)
                .isInstanceOf(UnsatisfiedLinkError.class)
                .hasMessageContaining("disni");
    }
}
