package io.doorbell.fabrics.auth;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.fabrics.auth.DhchapController.Keys;
import io.doorbell.fabrics.auth.DhchapController.State;
import io.doorbell.nvme.AuthenticationMessage;
import io.doorbell.nvme.DhchapGroup;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Messages that no honest peer sends, some thousand, or as many as {@code -Ddoorbell.fuzz=1000000} says. Whatever comes: no exception, nobody is let in
 * who does not know the key, the end is a failure that the peer is told of.
 */
class DhchapFuzzTest {
    private static final int CASES = Integer.getInteger("doorbell.fuzz", 4_000);

    /** One that costs something, and one that does not. */
    private static final DhchapOffer BOTH =
            new DhchapOffer(DhchapOffer.DEFAULT.hashes(), List.of(DhchapGroup.NULL, DhchapGroup.FFDHE2048));

    private static SplittableRandom random() {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("seed " + seed + ", repeat with -Ddoorbell.seed=" + seed);
        return new SplittableRandom(seed);
    }

    /** Another message than it was: bits, lengths, bytes that mean something. */
    private static byte[] spoil(byte[] message, SplittableRandom random) {
        byte[] spoilt = message.clone();
        switch (random.nextInt(7)) {
            case 0 -> spoilt = Arrays.copyOf(spoilt, random.nextInt(spoilt.length));
            case 1 -> spoilt = Arrays.copyOf(spoilt, spoilt.length + 1 + random.nextInt(2000));
            case 2 -> spoilt[random.nextInt(spoilt.length)] ^= (byte) (1 << random.nextInt(8));
            case 3 -> spoilt[random.nextInt(Math.min(16, spoilt.length))] = (byte) random.nextInt();
            case 4 ->
                spoilt[6 + random.nextInt(Math.min(spoilt.length, 16) - 6)] = (byte) (random.nextBoolean() ? 0 : -1);
            case 5 -> Arrays.fill(spoilt, spoilt.length / 2, spoilt.length, (byte) random.nextInt(2));
            default -> {
                spoilt = new byte[random.nextInt(300)];
                random.nextBytes(spoilt);
                if (spoilt.length > 2 && random.nextBoolean()) {
                    spoilt[0] = (byte) random.nextInt(2);
                    spoilt[1] = (byte) random.nextInt(5);
                }
            }
        }
        return spoilt;
    }

    @Test
    void noMessageOfAHostBreaksAController() {
        var random = random();
        for (int i = 0; i < CASES; i++) {
            var controller = new DhchapController(
                    () -> new Keys(DhchapTest.KEY, DhchapTest.CONTROLLER_KEY),
                    i % 16 == 0 ? BOTH : DhchapTest.QUICK,
                    DhchapTest.HOST,
                    DhchapTest.SUBSYSTEM,
                    DhchapTest.RANDOM);
            // It knows no key, so nothing it says lets it in.
            var host = DhchapTest.host(
                    i % 16 == 0 ? BOTH : DhchapTest.QUICK,
                    DhchapTest.OTHER_KEY,
                    random.nextBoolean() ? DhchapTest.CONTROLLER_KEY : null);
            int wrong = random.nextInt(3);
            for (int step = 0; step < 8 && !host.isOver(); step++) {
                if (host.sends()) {
                    byte[] message = host.next();
                    controller.take(step / 2 == wrong || random.nextInt(8) == 0 ? spoil(message, random) : message);
                } else {
                    int room = random.nextInt(8) == 0 ? 1 + random.nextInt(100) : 4096;
                    byte[] message = controller.next(room);
                    if (message == null) {
                        assertThat(room).isLessThan(AuthenticationMessage.FAILURE_BYTES);
                        break;
                    }
                    assertThat(message.length).isLessThanOrEqualTo(room);
                    host.take(message);
                }
                assertThat(controller.state())
                        .as("case " + i)
                        .isNotIn(State.AUTHENTICATED, State.SUCCESS1, State.SUCCESS2);
            }
            if (controller.state() != State.FAILED) {
                controller.take(new byte[] {9, 9, 9, 9, 9, 9});
                assertThat(controller.state()).as("case " + i).isEqualTo(State.FAILURE1);
                byte[] last = controller.next(8);
                assertThat(AuthenticationMessage.AUTH_ID.get(MemorySegment.ofArray(last)))
                        .isEqualTo(AuthenticationMessage.FAILURE1);
            }
            assertThat(controller.reason()).as("case " + i).isNotEmpty();
        }
    }

    @Test
    void noMessageOfAControllerBreaksAHost() {
        var random = random();
        for (int i = 0; i < CASES; i++) {
            var offer = i % 16 == 0 ? BOTH : DhchapTest.QUICK;
            // It does not know what the host asks for.
            var controller = new DhchapController(
                    () -> new Keys(DhchapTest.KEY, DhchapTest.OTHER_KEY),
                    offer,
                    DhchapTest.HOST,
                    DhchapTest.SUBSYSTEM,
                    DhchapTest.RANDOM);
            var host = DhchapTest.host(offer, DhchapTest.KEY, DhchapTest.CONTROLLER_KEY);

            DhchapTest.talk(
                    host,
                    controller,
                    message -> random.nextInt(3) == 0
                            ? message
                            : spoil(random.nextBoolean() ? message : Arrays.copyOf(message, 80), random));

            assertThat(host.isAuthenticated()).as("case " + i).isFalse();
            assertThat(host.reason()).as("case " + i).isNotEmpty();
        }
    }
}
