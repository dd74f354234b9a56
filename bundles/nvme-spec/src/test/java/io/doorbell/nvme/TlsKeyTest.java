package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.security.SecureRandom;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys for TLS. What they become was computed from the RFCs by Python's hmac, not by this code. */
class TlsKeyTest {
    private static final String HOST = "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555";
    private static final String SUBSYSTEM = "nqn.2026-11.io.doorbell:one";

    private static byte[] counting(int bytes) {
        var key = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            key[i] = (byte) i;
        }
        return key;
    }

    @ParameterizedTest
    @CsvSource({
        "0, 32, 0, NVMe0R01 nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555 nqn.2026-11.io.doorbell:one, 5d35ae71aea8b9b065f2dc6c521cd92beca120d25b7e1ef907c0e8de8d231017",
        "0, 32, 1, NVMe1R01 nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555 nqn.2026-11.io.doorbell:one XcDoqIa32Jo4YbtYJLsfLYQ7JNRT9+uAEZl7WhoWKlQ=, 23dbc194649c315bdb2b8ccb32686da4df3696b5f528df88ed78d9f9c2320a0f",
        "1, 32, 0, NVMe0R01 nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555 nqn.2026-11.io.doorbell:one, 1b4ed6173171f8bcdc05bd1866f60e4a994cbbdb5903894dad0b413887bd8f00",
        "1, 32, 1, NVMe1R01 nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555 nqn.2026-11.io.doorbell:one jwypR2osB8u4vkEfhMizB10OPHkTqRCA6HBicL1AaG8=, f696fb4ce702db5b0f61275b6a85c6bc086918a0af3f4b6aa174ee2181c62b33",
        "2, 48, 0, NVMe0R02 nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555 nqn.2026-11.io.doorbell:one, 29cea25014aa646e0afeb977df67bf44dfeeb00e45b0bbb8748abc462c09e9124cdf75af42c22621362d02cf341ab8b8",
        "2, 48, 1, NVMe1R02 nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555 nqn.2026-11.io.doorbell:one UNYsdI+6ufjn8j9tIfZ8RCmuedRGch/ZAAtr5aS/C2xC7TdruAExL9rSstYhBCha, 79cb2a4fccaaee15ac295784d57b47fbf31ae8c709e0f3ffe225697155e81109c8fa75ffdad8ec5b5b994c0c9d549984",
        "0, 48, 0, NVMe0R02 nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555 nqn.2026-11.io.doorbell:one, 1baa62b6e6a98e2b4b162692935e6de7186036ed7fa467ff1c797589d60d3124ae09d389cc3c0fcdfc9cd405e2b61d7c",
        "0, 48, 1, NVMe1R02 nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555 nqn.2026-11.io.doorbell:one tH4IlvUvHwwQ+HCePRswwmLw5ZOM1DBn0YfyhqUSfatp2QwkbPZ1ywYphHDqXVRf, 2e9c2d1dd741533500faa41663dabce631d5a494540dc94de93def7bb65457bb0f4516ba09102b1ba1eb1afbdaaac596"
    })
    void becomesWhatTheSpecificationSays(int hash, int bytes, int version, String identity, String psk) {
        var key = TlsKey.parse(KeyText.format("NVMeTLSkey-1", hash, counting(bytes)));

        var named = key.identity(version, HOST, SUBSYSTEM);

        assertThat(named.text()).isEqualTo(identity);
        assertThat(TlsPskIdentity.parse(identity)).isEqualTo(named);
        assertThat(key.hasIdentity(named)).isTrue();
        assertThat(HexFormat.of().formatHex(key.psk(named))).isEqualTo(psk);
    }

    @Test
    void makesKeysThatDifferAndHidesThem() {
        var random = new SecureRandom();
        for (var hash : new DhchapHash[] {DhchapHash.SHA_256, DhchapHash.SHA_384}) {
            var key = TlsKey.generate(hash, random);

            assertThat(TlsKey.parse(key.text() + "\n").text()).isEqualTo(key.text());
            assertThat(TlsKey.generate(hash, random).text()).isNotEqualTo(key.text());
            assertThat(key.toString()).doesNotContain(key.text().substring(16, 30));
            assertThat(key.suite()).isEqualTo(hash);
            assertThat(TlsKey.generate(hash, random).hasIdentity(key.identity(1, HOST, SUBSYSTEM)))
                    .isFalse();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "NVMeTLSkey-1:03:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:, 00 to 02",
        "NVMeTLSkey-1:02:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:, which needs 48",
        "NVMeTLSkey-1:01:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaS:, checksum is wrong",
        "DHHC-1:01:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:, begins with NVMeTLSkey-1:"
    })
    void saysWhatIsWrongWithAKey(String text, String said) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TlsKey.parse(text))
                .withMessageContaining(said)
                .satisfies(wrong -> assertThat(wrong.getMessage()).doesNotContain("AAECAwQF"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "NVMe0R01",
                "NVMe0R01 nqn.2014-08.org.example:a",
                "NVMe0R03 nqn.2014-08.org.example:a nqn.2014-08.org.example:b",
                "NVMe0G01 nqn.2014-08.org.example:a nqn.2014-08.org.example:b",
                "NVMe2R01 nqn.2014-08.org.example:a nqn.2014-08.org.example:b",
                "NVMe0R01 a nqn.2014-08.org.example:b",
                "NVMe0R01 nqn.2014-08.org.example:a  nqn.2014-08.org.example:b",
                "NVMe0R01 nqn.2014-08.org.example:a nqn.2014-08.org.example:b AAAA",
                "NVMe1R01 nqn.2014-08.org.example:a nqn.2014-08.org.example:b"
            })
    void takesNoIdentityThatIsNone(String text) {
        assertThat(TlsPskIdentity.parse(text)).isNull();
        assertThat(TlsPskIdentity.parse("NVMe0R01 " + "x".repeat(600))).isNull();
    }
}
