package io.doorbell.lab.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class PackagesTest {
    @Test
    void readsWhatAptWouldInstallOrUpgrade() {
        var said = List.of(
                "Reading package lists...",
                "The following NEW packages will be installed:",
                "  seabios",
                "Inst seabios (1.16.2-1 Debian:12.15/oldstable [all])",
                "Inst liburing2 [2.3-1] (2.3-3 Debian:12.15/oldstable [amd64])",
                "Inst qemu-system-x86 (1:7.2+dfsg-7+deb12u18+b3 Debian:12.15/oldstable [amd64]) []",
                "Conf seabios (1.16.2-1 Debian:12.15/oldstable [all])",
                "Remv busybox [1:1.35.0-4]");

        assertThat(Packages.toInstall(said))
                .containsExactly("seabios=1.16.2-1", "liburing2=2.3-3", "qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3");
    }

    @Test
    void findsTheKernelBehindTheMetaPackage() {
        assertThat(Packages.kernelOf(List.of("linux-image-amd64", "  Depends: linux-image-6.1.0-56-amd64")))
                .isEqualTo("linux-image-6.1.0-56-amd64");
    }

    @Test
    void skipsWhereThereIsNoSuchKernel() {
        assertThatThrownBy(() -> Packages.kernelOf(List.of("linux-image-generic")))
                .isInstanceOf(Skipped.class)
                .hasMessageContaining("linux-image-amd64");
    }
}
