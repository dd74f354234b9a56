package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Keys as text. What nvme-cli 2.3 printed for the secret 00 01 02 ... is the measure: 'nvme gen-dhchap-key -s ... -m ... -n ...'. */
class DhchapKeyTest {
    private static final String NQN = "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555";
    private static final String PLAIN = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";

    private static byte[] counting(int bytes) {
        var key = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            key[i] = (byte) i;
        }
        return key;
    }

    @Test
    void readsAndWritesWhatNvmeCliWrites() {
        var key = DhchapKey.parse("  " + PLAIN + "\n");

        assertThat(key.transformed(NQN)).isEqualTo(counting(32));
        assertThat(key.hash()).isNull();
        assertThat(key.text()).isEqualTo(PLAIN);
    }

    @ParameterizedTest
    @CsvSource({
        "32, 1, bOHk6jHoMxpP5YJr/eF6XNOGuPAzh0iRniebpsVb9ydqVuR5",
        "48, 2, JzgkyQ7IBRNgZgoVJQTRqDZ62Hnj5/kZ+vrrqjiE4TzoZZv5ycVS5cOLCiZ1bQfVVxJqow==",
        "64, 3, D+Ucidhr9Oh00yaKCrMLB2s2c/hsojlyxwni12p59UZ78f4YQ6UMpEcQG4yaPnLJFkljK+euytryvvQe2rYShiu0Vv0="
    })
    void makesOfAKeyAndANameWhatNvmeCliMakesOfThem(int bytes, int hash, String base64) {
        var key = DhchapKey.parse(KeyText.format("DHHC-1", hash, counting(bytes)));

        assertThat(key.transformed(NQN))
                .isEqualTo(Arrays.copyOf(Base64.getDecoder().decode(base64), bytes));
        assertThat(key.transformed(NQN + "x")).isNotEqualTo(key.transformed(NQN));
    }

    @Test
    void makesKeysThatDiffer() {
        var random = new SecureRandom();
        for (var hash : DhchapHash.values()) {
            var key = DhchapKey.generate(hash, hash.bytes(), random);

            assertThat(key.text()).startsWith("DHHC-1:0" + hash.id() + ":");
            assertThat(DhchapKey.parse(key.text()).text()).isEqualTo(key.text());
            assertThat(DhchapKey.generate(hash, hash.bytes(), random).text()).isNotEqualTo(key.text());
            assertThat(key.toString())
                    .doesNotContain(key.text().substring(10, 20))
                    .contains(hash.word());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'', begins with DHHC-1:",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR, begins with DHHC-1:",
        "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR, a colon at the end",
        "DHHC-1:0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:, two digits",
        "DHHC-1:zz:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:, two digits",
        "DHHC-1:04:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:, 00 to 03",
        "DHHC-1:02:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:, which needs 48",
        "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaS:, checksum is wrong",
        "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh*KfiaR:, no base64",
        "DHHC-1:00:AAA=:, too short",
        "DHHC-1:00::, too short",
        "NVMeTLSkey-1:01:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:, begins with DHHC-1:"
    })
    void saysWhatIsWrongWithAKeyWithoutShowingIt(String text, String said) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DhchapKey.parse(text))
                .withMessageContaining(said)
                .satisfies(wrong -> assertThat(wrong.getMessage()).doesNotContain("AAECAwQF"))
                .satisfies(wrong -> assertThat(String.valueOf(wrong.getCause())).doesNotContain("AAECAwQF"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DhchapKey.parse(KeyText.format("DHHC-1", 0, counting(33))))
                .withMessageContaining("32, 48 or 64");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DhchapKey.parse("DHHC-1:00:" + "A".repeat(10_000) + ":"))
                .withMessageContaining("256 characters");
    }

    @Test
    void knowsHashesAndGroupsByNumberAndWord() {
        assertThat(DhchapHash.of(0)).isNull();
        assertThat(DhchapHash.of(1)).isEqualTo(DhchapHash.SHA_256);
        assertThat(DhchapHash.of(4)).isNull();
        assertThat(DhchapHash.parse("sha384").id()).isEqualTo(2);
        assertThat(DhchapGroup.of(-1)).isNull();
        assertThat(DhchapGroup.of(5)).isEqualTo(DhchapGroup.FFDHE8192);
        assertThat(DhchapGroup.of(6)).isNull();
        assertThat(DhchapGroup.parse("null").bytes()).isZero();
        assertThat(DhchapGroup.parse("ffdhe3072").bytes()).isEqualTo(384);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DhchapHash.parse("md5"))
                .withMessageContaining("sha256, sha384, sha512");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DhchapGroup.parse("modp"))
                .withMessageContaining("null, ffdhe2048");
    }
}
