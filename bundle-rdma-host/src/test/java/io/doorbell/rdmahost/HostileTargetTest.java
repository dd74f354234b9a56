package io.doorbell.rdmahost;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.host.HeldQueuePair;
import io.doorbell.host.LoadUnderLies;
import io.doorbell.nvme.NvmeException;
import io.doorbell.rdmahost.LyingDevice.Liar;
import io.doorbell.rdmahost.LyingDevice.Mouth;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A target that lies: its answers and transfers are changed before they are sent. Whatever comes of it, each command ends once, nothing hangs, nothing
 * is reached that is not in flight, and all memory comes back. As many lies as {@code -Ddoorbell.fuzz=N} says.
 */
class HostileTargetTest {
    private static final int LIES = Integer.getInteger("doorbell.fuzz", 25);

    private static final FabricHostOptions OPTIONS = FabricHostOptions.of(Node.HOST_ID)
            .withTimes(Duration.ofMillis(500), Duration.ofSeconds(2), Duration.ofMillis(10), Duration.ofMillis(1))
            .withTimeouts(Duration.ofMillis(300), Duration.ofMillis(200));

    private static final int SIDE_BY_SIDE = 4;
    private static final int MOST_QUEUE_PAIRS = 6;
    private static final Duration CASE_BOUND = Duration.ofSeconds(60);

    /** Answers that are told as they are while a controller is brought up, about. */
    private static final int BRING_UP = 24;

    private final AtomicInteger lies = new AtomicInteger();
    private final AtomicLong brokenOff = new AtomicLong();

    @Test
    void endsEveryCommandOnce() throws Exception {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("lying RDMA target: -Ddoorbell.seed=" + seed);
        try (var several = Executors.newFixedThreadPool(SIDE_BY_SIDE)) {
            var next = new AtomicInteger();
            var all = new ArrayList<Future<?>>();
            for (int i = 0; i < SIDE_BY_SIDE; i++) {
                all.add(several.submit(() -> {
                    while (lies.get() < LIES) {
                        oneCase(seed, next.getAndIncrement());
                    }
                    return null;
                }));
            }
            for (var one : all) {
                one.get();
            }
            System.out.println(lies + " lies in " + next + " cases, " + brokenOff + " not brought up");
        }
    }

    private void oneCase(long seed, int number) throws Exception {
        var random = new Random(seed + number);
        int oneIn = 1 + random.nextInt(random.nextBoolean() ? 60 : 15);
        int honest = random.nextInt(4) == 0 ? 0 : BRING_UP + random.nextInt(30);
        var failed = new Throwable[1];
        var thread = Thread.ofPlatform().start(() -> {
            try (var node = new Node(4096, new Fickle(new Random(seed + number), oneIn, honest))) {
                use(node, random);
            } catch (Throwable e) {
                failed[0] = e;
            }
        });
        var which = "case " + number + " of seed " + seed;
        if (!thread.join(CASE_BOUND)) {
            throw new AssertionError(which + " hangs: " + Arrays.toString(thread.getStackTrace()));
        }
        if (failed[0] != null) {
            throw new AssertionError(which, failed[0]);
        }
    }

    private void use(Node node, Random random) {
        Node.Host host;
        try {
            host = node.new Host(OPTIONS, RdmaHostSettings.DEFAULTS);
        } catch (NvmeException lied) {
            brokenOff.incrementAndGet();
            return;
        }
        try (host) {
            new LoadUnderLies(host.controller, random, brokenOff::incrementAndGet).run(MOST_QUEUE_PAIRS);
        }
        assertThat(host.transport.takenBytes()).isZero();
    }

    /** Lies now and then. */
    private final class Fickle implements Liar {
        private final Random random;
        private final int oneIn;
        private int honest;

        Fickle(Random random, int oneIn, int honest) {
            this.random = random;
            this.oneIn = oneIn;
            this.honest = honest;
        }

        private boolean lies() {
            if (honest-- > 0 || random.nextInt(oneIn) != 0) {
                return false;
            }
            lies.incrementAndGet();
            return true;
        }

        @Override
        public void answer(Mouth mouth, byte[] completion, int key, boolean invalidates) {
            if (!lies()) {
                mouth.say(completion, completion.length, key);
                return;
            }
            var bytes = ByteBuffer.wrap(completion).order(ByteOrder.LITTLE_ENDIAN);
            switch (random.nextInt(9)) {
                case 0 -> bytes.put(random.nextInt(completion.length), (byte) random.nextInt());
                case 1 -> bytes.putShort(12, (short) random.nextInt());
                case 2 -> bytes.putShort(12, (short) (bytes.getShort(12) ^ 1 << random.nextInt(16)));
                case 3 -> bytes.putShort(14, (short) random.nextInt());
                case 4 -> {
                    mouth.say(completion, random.nextInt(64), key);
                    return;
                }
                case 5 -> mouth.say(completion, completion.length, key);
                case 6 -> {
                    mouth.say(completion, completion.length, random.nextInt());
                    return;
                }
                case 7 -> {
                    mouth.say(completion, completion.length, random.nextBoolean() ? 0 : key ^ 1 << random.nextInt(32));
                    return;
                }
                default -> {
                    mouth.silence();
                    return;
                }
            }
            mouth.say(completion, completion.length, key);
        }

        @Override
        public void transfer(Mouth mouth, boolean write, long address, int key) {
            if (!lies()) {
                mouth.transfer(address, key);
                return;
            }
            switch (random.nextInt(3)) {
                case 0 -> mouth.transfer(address + random.nextInt(-8192, 8192), key);
                case 1 -> mouth.transfer(random.nextLong(), key);
                default -> mouth.transfer(address, key ^ 1 << random.nextInt(32));
            }
        }
    }

    /** What a target does with an answer that it owes. */
    private enum Breach {
        UNKNOWN_COMMAND {
            @Override
            void answer(Mouth mouth, byte[] completion, int key) {
                completion[12] ^= 0x40;
                mouth.say(completion, completion.length, key);
            }
        },
        OLD_GENERATION {
            @Override
            void answer(Mouth mouth, byte[] completion, int key) {
                completion[13] ^= 0x40;
                mouth.say(completion, completion.length, key);
            }
        },
        TWO_ANSWERS {
            @Override
            void answer(Mouth mouth, byte[] completion, int key) {
                mouth.say(completion, completion.length, key);
                mouth.say(completion, completion.length, 0);
            }
        },
        SHORT_ANSWER {
            @Override
            void answer(Mouth mouth, byte[] completion, int key) {
                mouth.say(completion, 12, key);
            }
        },
        LONG_ANSWER {
            @Override
            void answer(Mouth mouth, byte[] completion, int key) {
                mouth.say(completion, 32, key);
            }
        },
        WRONG_KEY {
            @Override
            void answer(Mouth mouth, byte[] completion, int key) {
                mouth.say(completion, completion.length, key ^ 1);
            }
        };

        abstract void answer(Mouth mouth, byte[] completion, int key);
    }

    @ParameterizedTest
    @EnumSource(Breach.class)
    void aBreachIsTheEndOfItsQueuePairAndOfNoCommandTwice(Breach breach) {
        var armed = new AtomicInteger();
        Liar liar = (mouth, completion, key, invalidates) -> {
            if (invalidates && armed.getAndSet(0) == 1) {
                breach.answer(mouth, completion, key);
            } else {
                mouth.say(completion, completion.length, key);
            }
        };
        var ends = new int[4];
        try (var node = new Node(4096, liar);
                var host = node.host();
                var held = host.hold(16, 1 << 16, (token, status, result) -> ends[(int) token]++)) {
            armed.set(1);
            for (int i = 0; i < ends.length; i++) {
                assertThat(held.pair.read(1, i, 8, held.data, i * 4096L, 0, i)).isZero();
            }
            held.pair.commit();

            HeldQueuePair.awaitEnds(held.pair, () -> Arrays.stream(ends).sum() == ends.length || held.control.lost());
            HeldQueuePair.awaitEnds(held.pair, () -> held.pair.inFlight() == 0);

            assertThat(ends).containsOnly(1);
        }
    }

    @Test
    void nothingIsReachedButWhatIsInFlight() {
        var beside = new AtomicInteger();
        var liar = new Liar() {
            @Override
            public void answer(Mouth mouth, byte[] completion, int key, boolean invalidates) {
                mouth.say(completion, completion.length, key);
            }

            @Override
            public void transfer(Mouth mouth, boolean write, long address, int key) {
                mouth.transfer(write && beside.getAndSet(0) == 1 ? address + 4096 : address, key);
            }
        };
        var ends = new ArrayList<Integer>();
        try (var node = new Node(4096, liar);
                var host = node.host();
                var held = host.hold(16, 1 << 16, (token, status, result) -> ends.add(status))) {
            held.data.segment().fill((byte) 0x5A);
            beside.set(1);
            assertThat(held.pair.read(1, 0, 8, held.data, 0, 0, 0)).isZero();
            held.pair.commit();

            HeldQueuePair.awaitEnds(held.pair, () -> ends.size() == 1);

            assertThat(ends).doesNotContain(0);
            for (int i = 0; i < 1 << 16; i++) {
                assertThat(held.data.segment().get(ValueLayout.JAVA_BYTE, i)).isEqualTo((byte) 0x5A);
            }
        }
    }
}
