package io.doorbell.rdmatarget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Capsules as chance has them, most of them nearly right, before and after Connect, on admin and I/O queues. Each is answered, or is the end of its
 * connection; nothing is written beside what it named, nothing is kept, and another host goes on. {@code -Ddoorbell.fuzz=N} says how many.
 */
class CapsuleFuzzTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private static final int CASES = Integer.getInteger("doorbell.fuzz", 1500);
    private static final byte[] NOTHING = {};
    private static final int[] OPCODES = {
        NvmOpcode.READ,
        NvmOpcode.WRITE,
        NvmOpcode.FLUSH,
        AdminOpcode.IDENTIFY,
        AdminOpcode.GET_LOG_PAGE,
        AdminOpcode.SET_FEATURES,
        AdminOpcode.GET_FEATURES,
        AdminOpcode.KEEP_ALIVE,
        RawHost.FABRICS
    };

    /** Where data may go to, and how much of it: everything else is to stay as it is. */
    private static final int DATA = RawHost.DATA + (1 << 20);

    private static final int DATA_BYTES = 1 << 18;
    private static final int GUARD_BYTES = 1 << 16;

    private final Random random = random();

    private static Random random() {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("CapsuleFuzzTest: -Ddoorbell.seed=" + seed);
        return new Random(seed);
    }

    @Test
    void anyCapsuleIsAnsweredOrEndsItsConnectionAndNoOther() {
        try (var node = new Node(Node.settings(8, 4));
                var bystander = node.host(0)) {
            bystander.admin(Node.QUIET_NQN);
            bystander.enable();
            int connections = 0;
            for (int done = 0; done < CASES; connections++) {
                done += connection(node, CASES - done);
                bystander.succeed(bystander.command(RawHost.FABRICS, 4, 0, 0x1C, 0), NOTHING);
            }
            System.out.println(CASES + " capsules on " + connections + " connections");
            assertThat(bystander.peer.ends).isEmpty();
            await().atMost(BOUND).until(() -> node.target.connections() == 1);
            assertThat(node.target.heldChunks()).isZero();
            await().atMost(BOUND).until(() -> node.fabrics.associations() == 1);
        }
    }

    /** Sends capsules until the connection ends. Returns how many. */
    private int connection(Node node, int most) {
        try (var admin = node.host(0)) {
            int level = random.nextInt(4);
            int controller = level > 0 ? admin.admin(Node.NQN) : 0;
            if (level > 1) {
                admin.enable();
            }
            if (level < 3) {
                return capsules(admin, Math.min(most, 200));
            }
            try (var io = node.host(1)) {
                io.io(1, controller, Node.NQN);
                return capsules(io, Math.min(most, 200));
            }
        }
    }

    private int capsules(RawHost host, int most) {
        var guard = new byte[GUARD_BYTES];
        random.nextBytes(guard);
        host.peer.bytes(DATA - GUARD_BYTES, guard);
        host.peer.bytes(DATA + DATA_BYTES, guard);
        int sent = 0;
        while (sent < most && host.peer.ends.isEmpty()) {
            int batch = 1 + random.nextInt(8);
            int answers = 0;
            for (int i = 0; i < batch && host.pair.isConnected(); i++, sent++) {
                answers += send(host) ? 1 : 0;
            }
            for (; answers > 0 && host.answerOrEnd() != null; answers--) {
                // Whatever it is.
            }
        }
        assertThat(host.peer.bytes(DATA - GUARD_BYTES, GUARD_BYTES)).isEqualTo(guard);
        assertThat(host.peer.bytes(DATA + DATA_BYTES, GUARD_BYTES)).isEqualTo(guard);
        return Math.max(1, sent);
    }

    /** Returns whether an answer is to come, or the end. */
    private boolean send(RawHost host) {
        if (random.nextInt(200) == 0) {
            host.sendRaw(new byte[random.nextInt(64)]);
            return true;
        }
        boolean likely = random.nextInt(10) > 0;
        int opcode = likely ? OPCODES[random.nextInt(OPCODES.length)] : random.nextInt(256);
        // Such a one waits for an event, and is not answered.
        if (opcode == AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST) {
            opcode = AdminOpcode.ABORT;
        }
        var command = host.command(opcode, nsid(), number(), number(), number());
        if (opcode == NvmOpcode.READ || opcode == NvmOpcode.WRITE) {
            command.putLong(40, random.nextInt(8) == 0 ? random.nextLong() : random.nextInt(1000));
            command.putInt(48, random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(256));
        }
        if (random.nextInt(10) == 0) {
            command.put(1, (byte) (random.nextInt(4) << 6));
        }
        var data = new byte[random.nextInt(3) == 0 ? random.nextInt(4097) : 0];
        random.nextBytes(data);
        sgl(host, command, data);
        if (host.pair.isConnected()) {
            host.send(command, data);
        }
        return true;
    }

    private int nsid() {
        return random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(3);
    }

    private int number() {
        return random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(16);
    }

    private void list(RawHost host, ByteBuffer command, byte[] data) {
        host.list(command, random.nextInt(4) == 0 ? random.nextInt(300) : data.length / 16);
        var descriptors = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        while (descriptors.remaining() >= 16) {
            int offset = random.nextInt(DATA_BYTES);
            int bytes = Math.min(random.nextInt(random.nextBoolean() ? 2000 : 100_000), DATA_BYTES - offset);
            host.descriptor(descriptors, DATA + offset, bytes);
            if (random.nextInt(60) == 0) {
                data[descriptors.position() - 1 - random.nextInt(16)] = (byte) random.nextInt();
            }
        }
    }

    private void sgl(RawHost host, ByteBuffer command, byte[] data) {
        int inCapsule = data.length;
        if (inCapsule > 0 && random.nextInt(4) > 0) {
            host.inCapsule(command, random.nextInt(4) == 0 ? random.nextInt() : inCapsule);
            return;
        }
        if (inCapsule > 0 && random.nextInt(2) == 0) {
            list(host, command, data);
            return;
        }
        int offset = random.nextInt(DATA_BYTES);
        int bytes = random.nextInt(3) > 0 ? 4096 : random.nextInt(DATA_BYTES);
        host.keyed(command, DATA + offset, Math.min(bytes, DATA_BYTES - offset));
        switch (random.nextInt(40)) {
            case 0 -> command.put(39, (byte) random.nextInt());
            case 1 -> command.putInt(35, random.nextInt());
            case 2 -> command.putLong(24, random.nextLong());
            default -> {
                // As it is.
            }
        }
    }
}
