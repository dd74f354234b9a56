package io.doorbell.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockFormatTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "512",
                "4096",
                "512+8",
                "4096+16/extended",
                "512+8/pi1",
                "4096+64/pi2/first",
                "512+64/pi3/first/extended"
            })
    void isSpelledAsItIsRead(String text) {
        assertThat(BlockFormat.parse(text)).hasToString(text);
        assertThat(NamespaceSpec.parse("memory:1MiB:" + text)).hasToString("memory:1MiB:" + text);
        assertThat(NamespaceSpec.parse("file:1MiB:" + text + ":a:b").path()).isEqualTo("a:b");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1024",
                "512+",
                "512+7",
                "512+8+8",
                "512/pi1",
                "512/extended",
                "512+8/first",
                "512+8/pi4",
                "512+8/",
                "x"
            })
    void refusesWhatNoBlockIs(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> BlockFormat.parse(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"512+8/pi1", "4096+64/pi2/first", "4096+16/pi3"})
    void knowsItsProtection(String text) {
        var format = BlockFormat.parse(text);

        var protection = format.protectionFormat();

        assertThat(protection.type()).isEqualTo(format.protection());
        assertThat(protection.first()).isEqualTo(format.protectionFirst());
        assertThat(protection.blockBytes()).isEqualTo(format.blockBytes());
        assertThat(protection.metadataBytes()).isEqualTo(format.metadataBytes());
    }
}
