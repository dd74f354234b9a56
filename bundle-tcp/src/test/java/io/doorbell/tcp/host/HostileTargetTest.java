package io.doorbell.tcp.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.host.LoadUnderLies;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.tcp.Node;
import io.doorbell.tcp.Seed;
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

/**
 * A target that lies: what ours says is changed on its way, field by field and PDU by PDU. Whatever comes of it, each command ends once,
 * nothing hangs, and all memory comes back. As many lies as {@code -Ddoorbell.fuzz=N} says.
 */
class HostileTargetTest {
    private static final int LIES = Integer.getInteger("doorbell.fuzz", 200);

    private static final FabricHostOptions OPTIONS = FabricHostOptions.of(HostRig.HOST_ID)
            .withTimes(Duration.ofMillis(300), Duration.ofSeconds(2), Duration.ofMillis(10), Duration.ofMillis(1))
            .withTimeouts(Duration.ofMillis(300), Duration.ofMillis(200));

    private static final int SIDE_BY_SIDE = 16;
    private static final int MOST_QUEUE_PAIRS = 40;

    /** Each queue pair of a case may take all the bounds there are. */
    private static final Duration CASE_BOUND = Duration.ofSeconds(180);

    private final AtomicInteger lies = new AtomicInteger();
    private final AtomicLong brokenOff = new AtomicLong();

    @Test
    void endsEveryCommandOnce() throws Exception {
        long seed = Seed.of("lying target");
        try (var node = new Node(Node.settings(0, 4096, 64, true));
                var several = Executors.newVirtualThreadPerTaskExecutor()) {
            var next = new AtomicInteger();
            var all = new ArrayList<Future<?>>();
            // Most of a case is waiting for what does not come.
            for (int i = 0; i < SIDE_BY_SIDE; i++) {
                all.add(several.submit(() -> {
                    while (lies.get() < LIES) {
                        oneCase(node, seed, next.getAndIncrement());
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

    private void oneCase(Node node, long seed, int number) throws Exception {
        try (var relay = new Relay(node.target.address())) {
            var random = new Random(seed + number);
            // Some lie from the first word on, some when they are trusted, most seldom.
            int oneIn = 1 + random.nextInt(random.nextBoolean() ? 60 : 15);
            int honest = random.nextInt(4) == 0 ? 0 : 28 + random.nextInt(30);
            relay.way(way(random, oneIn, honest));
            run(relay, new Random(seed + number), "case " + number + " of seed " + seed);
        }
    }

    /** All connections of a case share it. */
    private Relay.Way way(Random random, int oneIn, int honest) {
        var seen = new AtomicInteger();
        return pdu -> {
            synchronized (random) {
                return seen.incrementAndGet() <= honest || random.nextInt(oneIn) != 0 ? pdu : lie(pdu, random);
            }
        };
    }

    private byte[] lie(byte[] pdu, Random random) {
        lies.incrementAndGet();
        var bytes = ByteBuffer.wrap(pdu.clone()).order(ByteOrder.LITTLE_ENDIAN);
        int header = Math.min(pdu.length, 24);
        switch (random.nextInt(12)) {
            case 0 -> bytes.put(random.nextInt(8), (byte) random.nextInt());
            case 1, 2 -> bytes.put(random.nextInt(header), (byte) random.nextInt());
            case 3 -> bytes.put(random.nextInt(header), (byte) (bytes.get(0) ^ 1 << random.nextInt(8)));
            case 4 -> bytes.put(0, (byte) random.nextInt(12));
            case 5 -> bytes.put(1, (byte) random.nextInt(16));
            case 6 -> bytes.putInt(4, random.nextBoolean() ? random.nextInt() : random.nextInt(200_000));
            case 7 -> bytes.putInt(12, random.nextInt(8) * 512);
            case 8 -> bytes.putInt(16, random.nextInt(8) * 512);
            case 9 -> {
                return random.nextBoolean() ? new byte[0] : twice(pdu);
            }
            case 10 -> {
                return random.nextBoolean() ? Arrays.copyOf(pdu, random.nextInt(pdu.length)) : noise(random);
            }
            default -> {
                return random.nextInt(4) == 0 ? null : readyToTransfer(random);
            }
        }
        return bytes.array();
    }

    private static byte[] twice(byte[] pdu) {
        var both = Arrays.copyOf(pdu, pdu.length * 2);
        System.arraycopy(pdu, 0, both, pdu.length, pdu.length);
        return both;
    }

    private static byte[] noise(Random random) {
        var bytes = new byte[random.nextInt(300)];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] readyToTransfer(Random random) {
        var bytes = ByteBuffer.allocate(TcpPdu.R2T_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(0, (byte) TcpPdu.R2T).put(2, (byte) TcpPdu.R2T_BYTES).putInt(4, TcpPdu.R2T_BYTES);
        bytes.putShort(8, (short) random.nextInt(40)).putInt(12, random.nextInt(4) * 4096);
        return bytes.putInt(16, random.nextInt(8) * 4096).array();
    }

    private void run(Relay relay, Random random, String which) throws Exception {
        var failed = new Throwable[1];
        var thread = Thread.ofPlatform().start(() -> {
            try {
                use(relay, random);
            } catch (Throwable e) {
                failed[0] = e;
            }
        });
        if (!thread.join(CASE_BOUND)) {
            var stack = Arrays.toString(thread.getStackTrace());
            throw new AssertionError(which + " hangs: " + stack);
        }
        if (failed[0] != null) {
            throw new AssertionError(which, failed[0]);
        }
    }

    private void use(Relay relay, Random random) {
        HostRig rig;
        try {
            rig = new HostRig(relay.address(), Node.NQN, OPTIONS, TcpHostSettings.DEFAULTS);
        } catch (NvmeException lied) {
            brokenOff.incrementAndGet();
            return;
        }
        try (rig) {
            new LoadUnderLies(rig.controller, random, brokenOff::incrementAndGet).run(MOST_QUEUE_PAIRS);
        }
        assertThat(rig.transport.takenBytes()).isZero();
    }
}
