package io.doorbell.fabrics.auth;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.fabrics.auth.DhchapController.Keys;
import io.doorbell.fabrics.auth.DhchapController.State;
import io.doorbell.nvme.AuthenticationMessage;
import io.doorbell.nvme.DhchapGroup;
import io.doorbell.nvme.DhchapHash;
import io.doorbell.nvme.DhchapKey;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Both sides, message by message. */
class DhchapTest {
    static final String HOST = "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555";
    static final String SUBSYSTEM = "nqn.2026-11.io.doorbell:one";
    static final SecureRandom RANDOM = new SecureRandom();
    static final DhchapKey KEY = DhchapKey.generate(DhchapHash.SHA_256, 32, RANDOM);
    static final DhchapKey CONTROLLER_KEY = DhchapKey.generate(null, 48, RANDOM);
    static final DhchapKey OTHER_KEY = DhchapKey.generate(DhchapHash.SHA_256, 32, RANDOM);
    static final DhchapOffer QUICK = new DhchapOffer(List.of(DhchapHash.SHA_256), List.of(DhchapGroup.NULL));

    static DhchapController controller(DhchapOffer offer) {
        return new DhchapController(() -> new Keys(KEY, CONTROLLER_KEY), offer, HOST, SUBSYSTEM, RANDOM);
    }

    static DhchapHost host(DhchapOffer offer, DhchapKey key, DhchapKey controllerKey) {
        return new DhchapHost(key, controllerKey, offer, HOST, SUBSYSTEM, 0xABCD, RANDOM);
    }

    /** Lets both talk; a message of the controller is changed on its way. Returns what went over, by name. */
    static List<String> talk(DhchapHost host, DhchapController controller, UnaryOperator<byte[]> change) {
        var said = new ArrayList<String>();
        while (!host.isOver()) {
            if (host.sends()) {
                byte[] message = host.next();
                said.add(name(message));
                controller.take(message);
            } else {
                byte[] message = controller.next(DhchapHost.MAX_MESSAGE_BYTES);
                said.add(name(message));
                // As it comes over a wire: in a buffer of the size that was asked for.
                host.take(change.apply(Arrays.copyOf(message, DhchapHost.MAX_MESSAGE_BYTES)));
            }
        }
        return said;
    }

    private static List<String> talk(DhchapHost host, DhchapController controller) {
        return talk(host, controller, UnaryOperator.identity());
    }

    private static String name(byte[] message) {
        var at = MemorySegment.ofArray(message);
        return AuthenticationMessage.name(
                AuthenticationMessage.AUTH_TYPE.get(at), AuthenticationMessage.AUTH_ID.get(at));
    }

    @ParameterizedTest
    @EnumSource(DhchapGroup.class)
    void everyHashGoesWithEveryGroupInBothDirections(DhchapGroup group) {
        for (var hash : DhchapHash.values()) {
            var offer = new DhchapOffer(List.of(hash), List.of(group));
            var controller = controller(offer);
            var host = host(offer, KEY, CONTROLLER_KEY);

            var said = talk(host, controller);

            assertThat(host.isAuthenticated()).as(hash + " " + host.reason()).isTrue();
            assertThat(controller.state()).as(controller.reason()).isEqualTo(State.AUTHENTICATED);
            assertThat(controller.agreement()).isEqualTo(hash.word() + " and " + group.word());
            assertThat(said)
                    .containsExactly(
                            "AUTH_Negotiate",
                            "DH-HMAC-CHAP_Challenge",
                            "DH-HMAC-CHAP_Reply",
                            "DH-HMAC-CHAP_Success1",
                            "DH-HMAC-CHAP_Success2");
        }
    }

    @Test
    void aHostThatDoesNotAskIsDoneWithSuccess1() {
        var controller = controller(DhchapOffer.DEFAULT);
        var host = host(DhchapOffer.DEFAULT, KEY, null);

        assertThat(talk(host, controller)).last().isEqualTo("DH-HMAC-CHAP_Success1");

        assertThat(host.isAuthenticated()).isTrue();
        assertThat(controller.state()).isEqualTo(State.AUTHENTICATED);
        assertThat(controller.agreement()).isEqualTo("sha512 and ffdhe3072");
    }

    /** Computed by Python's hmac and hashlib from the formula, not by this code. */
    @Test
    void signsAsTheSpecificationSays() {
        var key = DhchapKey.parse("DHHC-1:01:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:");
        var challenge = new byte[48];
        Arrays.fill(challenge, (byte) 0x5A);
        var secret = new byte[256];
        Arrays.fill(secret, (byte) 0xC3);

        assertThat(HexFormat.of()
                        .formatHex(new DhchapSignature(DhchapHash.SHA_384, 0x1234, secret)
                                .ofHost(key, challenge, 0x01020304, HOST, SUBSYSTEM)))
                .isEqualTo(
                        "4a7e2aa45cf4fbc6569ae195c8da5ebf243abe659876af2d1385626aede6803473a5b6d380cd4e8fb0ee21d258e1dbbb");
        assertThat(HexFormat.of()
                        .formatHex(new DhchapSignature(DhchapHash.SHA_384, 0x1234, null)
                                .ofController(key, challenge, 0x01020304, HOST, SUBSYSTEM)))
                .isEqualTo(
                        "3f4e6000c5328185af5d1799d4e17101a6af5b84de3bcfc34098a8018fbe29072af60d25d0d1d577b0c6a24cbd50271f");
    }

    @Test
    void theControllersChoiceComesFirst() {
        var controller = controller(new DhchapOffer(
                List.of(DhchapHash.SHA_384, DhchapHash.SHA_256), List.of(DhchapGroup.FFDHE2048, DhchapGroup.NULL)));
        var host = host(
                new DhchapOffer(
                        List.of(DhchapHash.SHA_256, DhchapHash.SHA_384),
                        List.of(DhchapGroup.NULL, DhchapGroup.FFDHE2048)),
                KEY,
                null);

        talk(host, controller);

        assertThat(controller.agreement()).isEqualTo("sha384 and ffdhe2048");
    }

    private static void refused(DhchapHost host, DhchapController controller, String said) {
        assertThat(talk(host, controller)).last().isEqualTo("AUTH_Failure1");
        assertThat(host.isAuthenticated()).isFalse();
        assertThat(host.reason()).contains(said);
        assertThat(controller.state()).isEqualTo(State.FAILED);
        assertThat(controller.reason()).startsWith(said);
    }

    @Test
    void refusesAHostAndSaysWhy() {
        refused(host(QUICK, OTHER_KEY, null), controller(QUICK), "authentication failed");
        refused(
                host(new DhchapOffer(List.of(DhchapHash.SHA_512), QUICK.groups()), KEY, null),
                controller(QUICK),
                "hash function not usable");
        refused(
                host(new DhchapOffer(QUICK.hashes(), List.of(DhchapGroup.FFDHE2048)), KEY, null),
                controller(QUICK),
                "DH group not usable");
        refused(
                host(QUICK, KEY, CONTROLLER_KEY),
                new DhchapController(() -> new Keys(KEY, null), QUICK, HOST, SUBSYSTEM, RANDOM),
                "authentication failed");
        refused(
                host(QUICK, KEY, null),
                new DhchapController(() -> null, QUICK, HOST, SUBSYSTEM, RANDOM),
                "authentication failed");
        // As another host, or with another subsystem.
        refused(
                host(QUICK, KEY, null),
                new DhchapController(() -> new Keys(KEY, null), QUICK, HOST + "x", SUBSYSTEM, RANDOM),
                "authentication failed");
        refused(
                host(QUICK, KEY, null),
                new DhchapController(() -> new Keys(KEY, null), QUICK, HOST, SUBSYSTEM + "x", RANDOM),
                "authentication failed");
    }

    @Test
    void aHostRefusesAControllerThatDoesNotKnowItsKey() {
        var controller = controller(QUICK);
        var host = host(QUICK, KEY, OTHER_KEY);

        assertThat(talk(host, controller)).last().isEqualTo("AUTH_Failure2");

        assertThat(host.isAuthenticated()).isFalse();
        assertThat(host.reason()).contains("controller does not know its key");
        assertThat(controller.state()).isEqualTo(State.FAILED);
        assertThat(controller.reason()).isEqualTo("the host gives up: authentication failed");
    }

    @Test
    void keysAreAskedForWithEachTransaction() {
        var keys = new Keys[] {new Keys(KEY, null)};
        var controller = new DhchapController(() -> keys[0], QUICK, HOST, SUBSYSTEM, RANDOM);
        talk(host(QUICK, KEY, null), controller);

        keys[0] = new Keys(OTHER_KEY, null);
        var again = host(QUICK, OTHER_KEY, null);
        talk(again, controller);

        assertThat(again.isAuthenticated()).isTrue();
        assertThat(controller.state()).isEqualTo(State.AUTHENTICATED);
        refused(host(QUICK, KEY, null), controller, "authentication failed");
    }

    @Test
    void noChallengeComesTwice() {
        var seen = new java.util.HashSet<String>();
        for (int i = 0; i < 100; i++) {
            var controller = controller(QUICK);
            controller.take(host(QUICK, KEY, null).next());
            byte[] challenge = controller.next(4096);

            assertThat(seen.add(HexFormat.of().formatHex(challenge, 16, 48))).isTrue();
            assertThat(seen.add(HexFormat.of().formatHex(challenge, 12, 16))).isTrue();
        }
    }

    @Test
    void aReplyIsNoGoodForAnotherChallenge() {
        var first = controller(QUICK);
        var host = host(QUICK, KEY, null);
        first.take(host.next());
        host.take(first.next(4096));
        byte[] reply = host.next();

        var second = controller(QUICK);
        second.take(host(QUICK, KEY, null).next());
        second.next(4096);
        second.take(reply);

        assertThat(second.state()).isEqualTo(State.FAILURE1);
        assertThat(second.reason()).startsWith("authentication failed");
        first.take(reply);
        assertThat(first.state()).isEqualTo(State.SUCCESS1);
    }

    @Test
    void roomThatIsTooSmallIsToldAndThenTheEnd() {
        var controller = controller(QUICK);
        controller.take(host(QUICK, KEY, null).next());

        byte[] failure = controller.next(40);

        assertThat(name(failure)).isEqualTo("AUTH_Failure1");
        assertThat(failure[7]).isEqualTo((byte) AuthenticationMessage.INCORRECT_PAYLOAD);
        assertThat(controller.state()).isEqualTo(State.FAILED);
        assertThat(controller.next(7)).isNull();
    }
}
