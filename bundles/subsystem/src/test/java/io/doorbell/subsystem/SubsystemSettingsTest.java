package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.storage.NamespaceSpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SubsystemSettingsTest {
    private static SubsystemSettings parse(String... namespaces) {
        return SubsystemSettings.parse(Rig.NQN, "SN", "Model", namespaces, 64);
    }

    @Test
    void readsNamespaces() {
        var settings = parse("3=null:1TiB:4096", " 1 = file:1GiB:4096:var/a:b.img", "2=memory:4096:512");

        assertThat(settings.namespaces())
                .containsEntry(1, new NamespaceSpec("file", 1L << 30, 4096, "var/a:b.img"))
                .containsEntry(2, new NamespaceSpec("memory", 4096, 512, ""))
                .containsEntry(3, new NamespaceSpec("null", 1L << 40, 4096, ""))
                .hasSize(3);
        settings.namespaces()
                .values()
                .forEach(
                        spec -> assertThat(NamespaceSpec.parse(spec.toString())).isEqualTo(spec));
        assertThat(settings.namespaces().get(1)).hasToString("file:1GiB:4096:var/a:b.img");
        assertThat(settings.creatableBytes()).isEqualTo(64 << 20);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "memory:64MiB:512",
                "0=memory:64MiB:512",
                "1025=memory:64MiB:512",
                "x=memory:64MiB:512",
                "1=memory:64MiB",
                "1=memory:64MiB:513",
                "1=memory:64MB:512",
                "1=memory:1000:512",
                "1=memory:99999999TiB:512",
                "1=memory:-1:512"
            })
    void namesTheEntryThatIsWrong(String entry) {
        assertThatThrownBy(() -> parse("7=null:1MiB:512", entry))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("namespaces = " + entry + ": ");
    }

    @Test
    void takesNoIdentifierTwice() {
        assertThatThrownBy(() -> parse("1=null:1MiB:512", "1=memory:1MiB:512")).hasMessageContaining("twice");
    }

    @Test
    void checksNamesAndNumbers() {
        assertThatThrownBy(() -> SubsystemSettings.parse("nvme0", "SN", "Model", new String[0], 0))
                .hasMessageContaining("nqn")
                .hasMessageContaining("nvme0");
        assertThatThrownBy(() -> SubsystemSettings.parse(Rig.NQN, "", "Model", new String[0], 0))
                .hasMessageContaining("serial");
        assertThatThrownBy(() -> SubsystemSettings.parse(Rig.NQN, "x".repeat(21), "Model", new String[0], 0))
                .hasMessageContaining("serial");
        assertThatThrownBy(() -> SubsystemSettings.parse(Rig.NQN, "SN", "Modèle", new String[0], 0))
                .hasMessageContaining("model");
    }
}
