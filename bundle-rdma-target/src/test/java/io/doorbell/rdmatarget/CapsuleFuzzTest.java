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
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/**
 * Capsules as chance has them, most of them nearly right, before and after Connect, on admin and I/O queues. Each is answered, or is the end of its
 * connection; nothing is written beside what it named, nothing is kept, and another host goes on.
 *
 * <p>The target's reactor is the test's own thread, and so are the hosts': a capsule takes some ten microseconds, of which the sockets are most, and
 * no thread waits for another. {@code -Ddoorbell.fuzz=N} says how many, {@code -Ddoorbell.seed=N} has the same again.
 */
class CapsuleFuzzTest {
    private static final int CASES = Integer.getInteger("doorbell.fuzz", 40_000);

    /** Of one connection, at most. */
    private static final int MOST = 1000;

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
    private static final int MEMORY_BYTES = DATA + DATA_BYTES + GUARD_BYTES;

    private final Random random = random();
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.doorbell");
    private final ListAppender<ILoggingEvent> defects = new ListAppender<>();
    private Level level;
    private final HandReactors reactors = HandReactors.byHand();
    private Node node;

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
            System.out.println(CASES + " capsules on " + connections + " connections");
            assertThat(bystander.peer.ends).isEmpty();
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
            int level = random.nextInt(4);
            int controller = level > 0 ? admin.admin(Node.NQN) : 0;
            if (level > 1) {
                admin.enable();
            }
            if (level < 3) {
                return capsules(admin, Math.min(most, MOST));
            }
            try (var io = host(1)) {
                io.io(1, controller, Node.NQN);
                return capsules(io, Math.min(most, MOST));
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
            int batch = 1 + random.nextInt(RawHost.ENTRIES - 1);
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
