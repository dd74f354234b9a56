package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Offsets against those of the specification's tables, written down by hand. */
class AuthenticationMessageTest {
    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    private static MemorySegment begin(byte[] bytes, int type, int id) {
        var message = MemorySegment.ofArray(bytes);
        AuthenticationMessage.AUTH_TYPE.set(message, type);
        AuthenticationMessage.AUTH_ID.set(message, id);
        AuthenticationMessage.T_ID.set(message, 0x1234);
        return message;
    }

    @Test
    void laysANegotiationOut() {
        var bytes = new byte[72];
        var message = begin(bytes, 0, AuthenticationMessage.NEGOTIATE);
        AuthenticationMessage.NEGOTIATE_SC_C.set(message, 1);
        AuthenticationMessage.NEGOTIATE_NAPD.set(message, 2);
        AuthenticationMessage.DESCRIPTOR_AUTH_ID.set(message, 8, 1);
        AuthenticationMessage.DESCRIPTOR_HALEN.set(message, 8, 3);
        AuthenticationMessage.DESCRIPTOR_DHLEN.set(message, 8, 6);

        assertThat(hex(bytes)).startsWith("0000000034120102" + "01000306");
        assertThat(AuthenticationMessage.DESCRIPTOR_GROUPS + AuthenticationMessage.DESCRIPTOR_LIST_BYTES)
                .isEqualTo(AuthenticationMessage.DESCRIPTOR_BYTES);
    }

    @Test
    void laysAChallengeAReplyAndASuccessOut() {
        var challenge = new byte[16];
        var message = begin(challenge, 1, AuthenticationMessage.CHALLENGE);
        AuthenticationMessage.CHALLENGE_HL.set(message, 32);
        AuthenticationMessage.CHALLENGE_HASHID.set(message, 1);
        AuthenticationMessage.CHALLENGE_DHGID.set(message, 5);
        AuthenticationMessage.CHALLENGE_DHVLEN.set(message, 1024);
        AuthenticationMessage.CHALLENGE_SEQNUM.set(message, 0xA1B2C3D4);
        assertThat(hex(challenge)).isEqualTo("01010000341220000105000" + "4d4c3b2a1");

        var reply = new byte[16];
        message = begin(reply, 1, AuthenticationMessage.REPLY);
        AuthenticationMessage.REPLY_HL.set(message, 64);
        AuthenticationMessage.REPLY_CVALID.set(message, 1);
        AuthenticationMessage.REPLY_DHVLEN.set(message, 256);
        AuthenticationMessage.REPLY_SEQNUM.set(message, 7);
        assertThat(hex(reply)).isEqualTo("01020000341240000100000107000000");

        var success = new byte[16];
        message = begin(success, 1, AuthenticationMessage.SUCCESS1);
        AuthenticationMessage.SUCCESS1_HL.set(message, 48);
        AuthenticationMessage.SUCCESS1_RVALID.set(message, 1);
        assertThat(hex(success)).isEqualTo("01030000341230000100000000000000");

        var failure = new byte[8];
        message = begin(failure, 0, AuthenticationMessage.FAILURE1);
        AuthenticationMessage.FAILURE_RESCODE.set(message, 1);
        AuthenticationMessage.FAILURE_RESCODE_EXP.set(message, 6);
        assertThat(hex(failure)).isEqualTo("00f1000034120106");
    }

    @Test
    void saysWhichCommandsCarryThem() {
        // SPSP0 in byte 41, SPSP1 in byte 42, SECP in byte 43.
        assertThat(FabricsCommand.authenticationDword10()).isEqualTo(0xE9010100);
        assertThat(FabricsCommand.isAuthentication(0xE90101FF)).isTrue();
        assertThat(FabricsCommand.isAuthentication(0xE9010200)).isFalse();
        assertThat(FabricsCommand.isAuthentication(0xE8010100)).isFalse();
        assertThat(AuthenticationMessage.name(1, 2)).isEqualTo("DH-HMAC-CHAP_Reply");
        assertThat(AuthenticationMessage.name(2, 9)).isEqualTo("authentication message 09h of type 02h");
        assertThat(AuthenticationMessage.explanation(4)).isEqualTo("hash function not usable");
        assertThat(AuthenticationMessage.explanation(9)).isEqualTo("reason 09h");
    }
}
