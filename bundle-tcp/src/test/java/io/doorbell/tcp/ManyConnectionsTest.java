package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.fabrics.DataPool;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.TcpPdu;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Hundreds of connections on one reactor; thousands by {@code -Ddoorbell.connections}, as many as a target may have. */
@Timeout(120)
class ManyConnectionsTest {
    private static final int CONNECTIONS = Integer.getInteger("doorbell.connections", 300);
    private static final int CONNECTIONS_PER_HOST = 10;
    private static final int ENTRIES = 32;
    private static final int BLOCK = 512;
    private static final int BYTES = 4096;
    private static final int LONGEST = 1 << 17;
    private static final int BUFFER_MEBIBYTES = 4;

    /** Of the memory for data, what one connection may have. */
    private static final int CHUNKS_OF_ONE = (BUFFER_MEBIBYTES << 20) / DataPool.CHUNK_BYTES / 4;

    private static final int BAD = 4;

    private final Node node = new Node(new TcpTargetSettings(
            "many",
            "127.0.0.1",
            0,
            Set.of(),
            1,
            CONNECTIONS + BAD,
            ENTRIES,
            CONNECTIONS_PER_HOST,
            8192,
            LONGEST,
            BUFFER_MEBIBYTES,
            false,
            false));
    private final List<RawHost> all = new ArrayList<>();
    private final List<RawHost> admins = new ArrayList<>();
    private final List<RawHost> queues = new ArrayList<>();
    private int lastController;
    private int lastQid;

    @BeforeEach
    void connect() {
        while (all.size() < CONNECTIONS) {
            if (all.size() % CONNECTIONS_PER_HOST == 0) {
                var admin = host();
                admins.add(admin);
                lastController = admin.admin(0);
                lastQid = 0;
            } else {
                queues.add(queue());
            }
        }
        assertThat(node.target.connections()).isEqualTo(CONNECTIONS);
    }

    @AfterEach
    void close() {
        all.forEach(RawHost::close);
        await().until(() -> node.target.connections() == 0 && node.fabrics.associations() == 0);
        assertThat(node.target.heldParts()).isZero();
        node.close();
    }

    private RawHost host() {
        var host = new RawHost(node.target.address());
        all.add(host);
        return host;
    }

    /** Of the controller that was made last. */
    private RawHost queue() {
        return host().io(++lastQid, ENTRIES, lastController, 0, 0);
    }

    private static MemorySegment command(int opc, int cid, long slba, int bytes) {
        return RawHost.command(opc, cid, 1, (int) slba, 0, bytes / BLOCK - 1);
    }

    private static byte[] content(int queue, int round) {
        var bytes = new byte[BYTES];
        Arrays.fill(bytes, (byte) (31 * queue + 7 * round + 1));
        return bytes;
    }

    /** A Write and a Read on every I/O queue, a Keep Alive on every admin queue: all are sent before an answer is read. */
    private void everybodyWorks(int round) {
        for (int i = 0; i < queues.size(); i++) {
            queues.get(i).sendInCapsule(command(NvmOpcode.WRITE, 1, slba(i), BYTES), content(i, round));
        }
        for (var admin : admins) {
            admin.send(RawHost.command(AdminOpcode.KEEP_ALIVE, 3, 0, 0, 0, 0), 0);
        }
        for (var queue : queues) {
            assertThat(queue.read().status()).isZero();
        }
        for (int i = 0; i < queues.size(); i++) {
            queues.get(i).send(command(NvmOpcode.READ, 2, slba(i), BYTES), BYTES);
        }
        for (int i = 0; i < queues.size(); i++) {
            assertThat(queues.get(i).read().data()).as("queue %d", i).isEqualTo(content(i, round));
            assertThat(queues.get(i).read().status()).isZero();
        }
        for (var admin : admins) {
            assertThat(admin.read().status()).isZero();
        }
    }

    private static long slba(int queue) {
        return (long) queue * (BYTES / BLOCK);
    }

    @Test
    void allAreHeldWithWorkOnAll() {
        for (int round = 0; round < 5; round++) {
            everybodyWorks(round);
        }

        assertThat(node.target.connections()).isEqualTo(CONNECTIONS);
        assertThat(all).noneMatch(RawHost::hasMore);
    }

    @Test
    void theDeadTheDeafAndTheHalfDisturbNobody() {
        everybodyWorks(0);
        var admin = host();
        lastController = admin.admin(0);
        lastQid = 0;
        var deaf = new RawHost(node.target.address(), 8192);
        all.add(deaf);
        deaf.io(++lastQid, ENTRIES, lastController, 0, 0);
        var dead = queue();
        var half = queue();
        int idle = node.target.heldParts();
        for (int cid = 0; cid < ENTRIES - 1; cid++) {
            // Each would have all of the memory: data that it never reads, and data that it never sends.
            deaf.send(command(NvmOpcode.READ, cid, 0, LONGEST), LONGEST);
            dead.send(command(NvmOpcode.WRITE, cid, 0, LONGEST), LONGEST);
        }
        half.write(Arrays.copyOf(half.capsule(command(NvmOpcode.WRITE, 1, 0, BYTES), new byte[BYTES]), 1000));
        await().until(dead::hasMore);

        long begin = System.nanoTime();
        for (int round = 1; round < 5; round++) {
            everybodyWorks(round);
            assertThat(node.target.heldParts() - idle).isBetween(CHUNKS_OF_ONE + 1, 2 * CHUNKS_OF_ONE + 1);
        }

        // Long before anyone's patience with the dead ends, which would mend everything too.
        assertThat(System.nanoTime() - begin).isLessThan(TcpConnection.STALL_BOUND_NANOS);
        assertThat(node.target.connections()).isEqualTo(CONNECTIONS + BAD);
        assertThat(deaf.read().type()).isEqualTo(TcpPdu.C2H_DATA);
    }
}
