package io.doorbell.rdmatarget;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.reactor.HandReactors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/**
 * Capsules as chance has them, most of them nearly right, before and after Connect, on admin and I/O queues. Each is answered, or is the end of its
 * connection; nothing is written beside the memory that the host has opened, nothing is kept, and another host goes on.
 *
 * <p>The target's reactor is the test's own thread, and so are the hosts': a capsule takes some ten microseconds, of which the sockets are most, and
 * no thread waits for another. {@code -Ddoorbell.fuzz=N} says how many, {@code -Ddoorbell.seed=N} has the same again.
 */
class CapsuleFuzzTest {
    private static final int CASES = Integer.getInteger("doorbell.fuzz", 20_000);

    /** Of one connection, at most. */
    private static final int MOST = 1000;

    private static final int MOST_TOO_EARLY = 100;

    private static final byte[] NOTHING = {};
    private static final int[] IO = {NvmOpcode.READ, NvmOpcode.READ, NvmOpcode.WRITE, NvmOpcode.WRITE, NvmOpcode.FLUSH};
    private static final int[] ADMIN = {
        AdminOpcode.IDENTIFY,
        AdminOpcode.GET_LOG_PAGE,
        AdminOpcode.SET_FEATURES,
        AdminOpcode.GET_FEATURES,
        AdminOpcode.KEEP_ALIVE,
        RawHost.FABRICS
    };

    /** CAP, CC, CSTS. */
    private static final int[] PROPERTIES = {0, 0x14, 0x1C};

    private static final int IN_CAPSULE_BYTES = 4096;

    /** Where data may go to, and how much of it: everything else is to stay as it is. */
    private static final int DATA = RawHost.DATA + (1 << 20);

    private static final int DATA_BYTES = 1 << 18;
    private static final int GUARD_BYTES = 1 << 16;
    private static final int MEMORY_BYTES = DATA + DATA_BYTES + GUARD_BYTES;

    private final Random random = random();
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.doorbell");
    private final ListAppender<ILoggingEvent> defects = new ListAppender<>();
    private Level level;
    private final HandReactors reactors = HandReactors.byHand();
    private Node node;
    private long answered;
    private long succeeded;
    private long ended;

    private static Random random() {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("CapsuleFuzzTest: -Ddoorbell.seed=" + seed);
        return new Random(seed);
    }

    @BeforeEach
    void onlyDefectsAreLogged() {
        level = logger.getLevel();
        logger.setLevel(Level.ERROR);
        defects.start();
        logger.addAppender(defects);
        node = new Node(Node.settings(8, 4), reactors, new FabricTarget(Runnable::run));
    }

    @AfterEach
    void logAsBefore() {
        logger.detachAppender(defects);
        logger.setLevel(level);
    }

    @Test
    @Timeout(1800)
    void anyCapsuleIsAnsweredOrEndsItsConnectionAndNoOther() throws Exception {
        try (var bystander = host(0)) {
            bystander.admin(Node.QUIET_NQN);
            bystander.enable();
            int connections = 0;
            for (int done = 0; done < CASES; connections++) {
                done += connection(CASES - done);
                bystander.succeed(bystander.command(RawHost.FABRICS, 4, 0, 0x1C, 0), NOTHING);
                bystander.until(() -> node.target.connections() == 1 && node.fabrics.associations() == 1);
                assertThat(node.target.heldChunks()).isZero();
            }
            System.out.println(CASES + " capsules on " + connections + " connections, of which " + ended
                    + " were ended; " + answered + " answers, " + succeeded + " of success");
            assertThat(bystander.peer.ends).isEmpty();
            assertThat(succeeded).as("capsules that are right").isBetween(1L, answered - 1);
        } finally {
            closeNode();
        }
        assertThat(defects.list).extracting(ILoggingEvent::getFormattedMessage).isEmpty();
    }

    private void closeNode() throws InterruptedException {
        // It waits for the reactors of this thread.
        var end = Thread.ofVirtual().start(node.target::close);
        while (end.isAlive()) {
            if (reactors.cycle() == 0) {
                Thread.sleep(1);
            }
        }
        node.close();
    }

    private RawHost host(int qid) {
        return new RawHost(node.hosts, MEMORY_BYTES, reactors::cycle).connect(node.target.address(), qid);
    }

    /** Sends capsules until the connection ends. Returns how many. */
    private int connection(int most) {
        try (var admin = host(0)) {
            // Before Connect, before the controller is enabled, on its admin queue, and most of all on a queue for I/O.
            int level = random.nextInt(10);
            int controller = level > 0 ? admin.admin(Node.NQN) : 0;
            if (level > 1) {
                admin.enable();
            }
            if (level < 4) {
                return capsules(admin, Math.min(most, level < 2 ? MOST_TOO_EARLY : MOST), ADMIN);
            }
            try (var io = host(1)) {
                io.io(1, controller, Node.NQN);
                return capsules(io, Math.min(most, MOST), IO);
            }
        }
    }

    private int capsules(RawHost host, int most, int[] opcodes) {
        var guard = new byte[GUARD_BYTES];
        random.nextBytes(guard);
        host.peer.bytes(DATA - GUARD_BYTES, guard);
        host.peer.bytes(DATA + DATA_BYTES, guard);
        host.open(DATA, DATA_BYTES);
        int sent = 0;
        while (sent < most && host.peer.ends.isEmpty()) {
            int batch = 1 + random.nextInt(RawHost.ENTRIES - 1);
            int answers = 0;
            for (; answers < batch && host.pair.isConnected(); answers++, sent++) {
                send(host, opcodes);
            }
            for (; answers > 0; answers--) {
                var answer = host.answerOrEnd();
                if (answer == null) {
                    ended++;
                    break;
                }
                answered++;
                succeeded += answer.status() == 0 ? 1 : 0;
            }
        }
        assertThat(Arrays.equals(host.peer.bytes(DATA - GUARD_BYTES, GUARD_BYTES), guard))
                .as("what is before the memory that has a key is as it was")
                .isTrue();
        assertThat(Arrays.equals(host.peer.bytes(DATA + DATA_BYTES, GUARD_BYTES), guard))
                .as("what is behind it")
                .isTrue();
        return Math.max(1, sent);
    }

    private void send(RawHost host, int[] opcodes) {
        if (random.nextInt(400) == 0) {
            // Less than a command has, which is the end.
            host.sendRaw(new byte[random.nextInt(64)]);
            return;
        }
        int opcode = isRight() ? opcodes[random.nextInt(opcodes.length)] : random.nextInt(256);
        // Such a one waits for an event, and is not answered.
        if (opcode == AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST) {
            opcode = AdminOpcode.ABORT;
        }
        var command = host.command(opcode, isRight() ? 1 : nsid(), number(), number(), number());
        if (random.nextInt(40) == 0) {
            command.put(1, (byte) (random.nextInt(4) << 6));
        }
        int bytes = opcodes == ADMIN ? admin(command, opcode) : io(command, opcode);
        var data = sgl(host, command, isRight() ? bytes : random.nextInt(DATA_BYTES));
        if (host.pair.isConnected()) {
            host.send(command, data);
        }
    }

    /** Most fields of a command, and all of some. */
    private boolean isRight() {
        return random.nextInt(24) > 0;
    }

    /** Fields of a command. Returns how many bytes it moves. */
    private int io(ByteBuffer command, int opcode) {
        if (opcode != NvmOpcode.READ && opcode != NvmOpcode.WRITE) {
            return random.nextInt(3) * 512;
        }
        int blocks = 1 + random.nextInt(random.nextInt(32) == 0 ? 256 : 8);
        command.putLong(40, isRight() ? random.nextInt(1000) : random.nextLong());
        command.putInt(48, isRight() ? blocks - 1 : random.nextInt())
                .putInt(52, 0)
                .putLong(56, 0);
        return blocks * 512;
    }

    private int admin(ByteBuffer command, int opcode) {
        switch (opcode) {
            case AdminOpcode.IDENTIFY -> command.putInt(40, isRight() ? random.nextInt(4) : number());
            case AdminOpcode.GET_LOG_PAGE -> {
                int dwords = 1 + random.nextInt(1024);
                command.putInt(40, 1 + random.nextInt(5) | dwords - 1 << 16).putInt(44, 0);
                return dwords * 4;
            }
            case RawHost.FABRICS -> {
                if (isRight()) {
                    // Property Get.
                    command.putInt(4, 4).putInt(40, 0).putInt(44, PROPERTIES[random.nextInt(PROPERTIES.length)]);
                }
            }
            default -> {
                // As it is.
            }
        }
        return 4096;
    }

    private int nsid() {
        return random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(3);
    }

    private int number() {
        return random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(16);
    }

    /** Says where so many bytes are. Returns what is in the capsule behind the command. */
    private byte[] sgl(RawHost host, ByteBuffer command, int bytes) {
        int how = random.nextInt(4);
        if (how == 0 && bytes <= IN_CAPSULE_BYTES) {
            var data = new byte[bytes];
            random.nextBytes(data);
            host.inCapsule(command, isRight() ? bytes : random.nextInt());
            return data;
        }
        if (how == 1) {
            return list(host, command, bytes);
        }
        host.keyed(command, DATA + random.nextInt(DATA_BYTES - bytes + 1), bytes);
        switch (random.nextInt(200)) {
            case 0 -> command.put(39, (byte) random.nextInt());
            case 1 -> command.putInt(35, random.nextInt());
            case 2 -> command.putLong(24, random.nextLong());
            default -> {
                // As it is.
            }
        }
        return NOTHING;
    }

    /** In pieces, of which the last has what the others left. */
    private byte[] list(RawHost host, ByteBuffer command, int bytes) {
        int count = 1 + random.nextInt(random.nextInt(8) == 0 ? 250 : 16);
        var data = new byte[count * 16];
        host.list(command, isRight() ? count : random.nextInt(300));
        var descriptors = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        int left = bytes;
        for (int i = 1; i <= count; i++) {
            int part = i == count ? left : random.nextInt(left / 2 + 1);
            host.descriptor(descriptors, DATA + random.nextInt(DATA_BYTES - part + 1), part);
            left -= part;
        }
        if (!isRight()) {
            data[random.nextInt(data.length)] = (byte) random.nextInt();
        }
        return data;
    }
}
