package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A host on the network that knows what it wrote: several queues write stamps to blocks of their own and read them back, and
 * the admin queue is asked all the time. Every command has to succeed, and a block has the stamp that was acknowledged last;
 * or one that was under way when a connection ended.
 */
final class TcpLoad implements AutoCloseable {
    static final Duration BOUND = Duration.ofSeconds(120);
    private static final int QUEUES = 3;
    private static final int BLOCKS_EACH = 16;
    private static final int KEEP_ALIVE_PAUSE_MILLIS = 20;
    private static final int RECONNECT_PAUSE_MILLIS = 50;

    private final int port;
    private final String subnqn;
    private final int blockBytes;
    private final boolean reconnects;
    private final long seed;
    private final List<Thread> threads = new ArrayList<>();
    private final List<String> wrong = new CopyOnWriteArrayList<>();
    private final AtomicLong ended = new AtomicLong();
    private final AtomicLong connects = new AtomicLong();
    private final AtomicLong longestNanos = new AtomicLong();
    private final AtomicLong longestAdminNanos = new AtomicLong();
    private volatile boolean stopped;

    /** What each block has, and what it may have. Touched by the thread of its queue only. */
    private static final class Block {
        long acknowledged;
        long underWay;
    }

    /** @param reconnects whether a connection may end, and is made again */
    TcpLoad(int port, String subnqn, int blockBytes, boolean reconnects, long seed) {
        this.port = port;
        this.subnqn = subnqn;
        this.blockBytes = blockBytes;
        this.reconnects = reconnects;
        this.seed = seed;
        System.out.println("doorbell.seed=" + seed);
        for (int i = 0; i < QUEUES; i++) {
            int host = i;
            threads.add(Thread.ofPlatform().daemon().name("host " + i).start(() -> run(host)));
        }
    }

    private void run(int host) {
        var random = new Random(seed + host);
        var blocks = new ArrayList<Block>();
        for (int i = 0; i < BLOCKS_EACH; i++) {
            blocks.add(new Block());
        }
        while (!stopped) {
            try (var admin = new TcpHost(port, subnqn, 0, 0xFFFF);
                    var io = new TcpHost(port, subnqn, 1, admin.controllerId())) {
                connects.incrementAndGet();
                var asking = Thread.ofVirtual().start(() -> keepAlive(admin));
                while (!stopped) {
                    step(io, host, blocks, random);
                }
                asking.interrupt();
                asking.join();
            } catch (IOException end) {
                if (!reconnects && !stopped) {
                    wrong.add("queue " + host + ": " + end);
                    return;
                }
                pause(RECONNECT_PAUSE_MILLIS);
            } catch (InterruptedException | RuntimeException | AssertionError defect) {
                wrong.add("queue " + host + ": " + defect);
                return;
            }
        }
    }

    private static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void step(TcpHost io, int host, List<Block> blocks, Random random) throws IOException {
        int index = random.nextInt(BLOCKS_EACH);
        var block = blocks.get(index);
        int slba = host * BLOCKS_EACH + index;
        long start = System.nanoTime();
        if (block.acknowledged == 0 || random.nextBoolean()) {
            long stamp = Math.max(block.acknowledged, block.underWay) + 1;
            block.underWay = stamp;
            var data = ByteBuffer.allocate(blockBytes);
            while (data.hasRemaining()) {
                data.putLong(stamp << 8 | host);
            }
            int status = io.run(TcpHost.command(NvmOpcode.WRITE, 1, slba, 0, 0), data.array(), null);
            count(start, "write of block " + slba, status);
            if (status == Status.SUCCESS) {
                block.acknowledged = stamp;
            }
        } else {
            var data = new byte[blockBytes];
            count(
                    start,
                    "read of block " + slba,
                    io.run(TcpHost.command(NvmOpcode.READ, 1, slba, 0, 0), new byte[0], data));
            check(slba, host, block, ByteBuffer.wrap(data));
        }
    }

    private void check(int slba, int host, Block block, ByteBuffer data) {
        long first = data.getLong(0);
        while (data.hasRemaining()) {
            if (data.getLong() != first) {
                wrong.add("block " + slba + " is torn");
                return;
            }
        }
        long found = first >> 8;
        boolean is = (first & 0xFF) == host && (found == block.acknowledged || found == block.underWay);
        if (!is) {
            wrong.add("block " + slba + " has " + found + ", acknowledged is " + block.acknowledged + ", under way was "
                    + block.underWay);
        }
        block.acknowledged = found;
        block.underWay = found;
    }

    private void count(long start, String what, int status) throws IOException {
        if (reconnects && status == Status.ABORTED_SQ_DELETION) {
            throw new IOException("the target takes the queue back");
        }
        ended.incrementAndGet();
        longestNanos.accumulateAndGet(System.nanoTime() - start, Math::max);
        if (status != Status.SUCCESS) {
            wrong.add(what + ": " + Status.name(status));
        }
    }

    /** What waits behind nothing. */
    private void keepAlive(TcpHost admin) {
        try {
            while (!stopped) {
                long start = System.nanoTime();
                int status = admin.run(TcpHost.command(AdminOpcode.KEEP_ALIVE, 0, 0, 0, 0), new byte[0], null);
                longestAdminNanos.accumulateAndGet(System.nanoTime() - start, Math::max);
                if (status != Status.SUCCESS && !(reconnects && status == Status.ABORTED_SQ_DELETION)) {
                    wrong.add("keep alive: " + Status.name(status));
                }
                Thread.sleep(KEEP_ALIVE_PAUSE_MILLIS);
            }
        } catch (IOException | InterruptedException end) {
            // Told by the other queue, where it is none of ours.
        } catch (RuntimeException | AssertionError defect) {
            wrong.add("keep alive: " + defect);
        }
    }

    /** Every queue goes on. */
    void awaitProgress() {
        long before = ended.get();
        await().atMost(BOUND).untilAsserted(() -> {
            assertThat(wrong).isEmpty();
            assertThat(ended.get()).isGreaterThan(before + 300);
        });
    }

    long connects() {
        return connects.get();
    }

    Duration longestAdmin() {
        return Duration.ofNanos(longestAdminNanos.get());
    }

    /** Ends it; nothing was wrong. */
    void finish() {
        close();
        assertThat(wrong).isEmpty();
        System.out.println(ended + " commands, the longest "
                + Duration.ofNanos(longestNanos.get()).toMillis() + " ms; the longest keep alive "
                + longestAdmin().toMillis() + " ms; " + connects + " associations");
    }

    @Override
    public void close() {
        stopped = true;
        for (var thread : threads) {
            try {
                thread.join(BOUND.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            assertThat(thread.isAlive()).as("still at work").isFalse();
        }
    }
}
