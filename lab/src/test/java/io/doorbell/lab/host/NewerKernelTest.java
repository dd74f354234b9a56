package io.doorbell.lab.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class NewerKernelTest {
    private static final String PLACE = "http://mirror.example/debian/";

    @Test
    void asksWhereTheMachineHasItsPackagesFrom() {
        var targets = List.of(
                "bookworm-updates main " + PLACE,
                "bookworm contrib http://other.example/debian/",
                "bookworm main " + PLACE,
                "nodistro main http://third.example/");

        assertThat(NewerKernel.source(targets, "bookworm"))
                .startsWith("deb ")
                .endsWith(" " + PLACE + " bookworm-backports main\n");
    }

    @Test
    void skipsWhereTheMachineHasNoPackagesOfItsRelease() {
        assertThatThrownBy(() -> NewerKernel.source(List.of("trixie main " + PLACE), "bookworm"))
                .isInstanceOf(Skipped.class)
                .hasMessageContaining("bookworm");
        assertThatThrownBy(() -> NewerKernel.source(List.of("bookworm main $(touch x)"), "bookworm"))
                .isInstanceOf(Skipped.class);
    }
}
