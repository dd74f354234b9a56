package io.doorbell.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** A TCP target in a process of its own, ours or another, and what it uses of the machine. */
final class TcpProcess implements AutoCloseable {
    private static final Duration UP_BOUND = Duration.ofSeconds(60);
    private static final Duration ANSWER_BOUND = Duration.ofSeconds(10);

    /** What a client may take to start and to connect before its warm-up. */
    private static final long CLIENT_STARTS_MILLIS = 1500;

    /** The end of a measured time is not looked at: the client may be done already. */
    private static final long CLIENT_ENDS_MILLIS = 500;

    private final Programs.Running program;
    private final int port;
    private final String nqn;
    private final boolean isOurs;
    private int asked;
    private boolean paused;

    TcpProcess(Programs.Running program, int port, String nqn) {
        this(program, port, nqn, false);
    }

    private TcpProcess(Programs.Running program, int port, String nqn, boolean isOurs) {
        this.program = program;
        this.port = port;
        this.nqn = nqn;
        this.isOurs = isOurs;
    }

    /** A {@link TcpNode}. */
    static TcpProcess ours(Path work, int ioQueues) throws IOException, InterruptedException {
        var program = Programs.java(work, TcpNode.class, List.of("" + ioQueues));
        try {
            program.awaitOutput(TcpNode.LISTENS, UP_BOUND);
            return new TcpProcess(program, (int) number(program.written(), TcpNode.LISTENS), TcpNode.NQN, true);
        } catch (IOException | InterruptedException failed) {
            program.close();
            throw failed;
        }
    }

    /** What stands between a text and a dot. */
    private static long number(String written, String text) {
        int at = written.lastIndexOf(text) + text.length();
        return Long.parseLong(written.substring(at, written.indexOf('.', at)));
    }

    InetSocketAddress address() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    String nqn() {
        return nqn;
    }

    String transportId() {
        return "trtype:TCP adrfam:IPv4 traddr:127.0.0.1 trsvcid:" + port + " subnqn:" + nqn;
    }

    void pause(boolean on) throws IOException, InterruptedException {
        program.pause(on);
        paused = on;
    }

    double cpuSeconds() throws IOException {
        return program.cpuSeconds();
    }

    /** What its reactor has allocated; 0 for one that cannot say. */
    private long allocatedBytes() throws IOException, InterruptedException {
        if (!isOurs) {
            return 0;
        }
        var question = "question " + ++asked;
        program.tell(question);
        var answer = question + TcpNode.ALLOCATED;
        program.awaitOutput(answer, ANSWER_BOUND);
        return number(program.written(), answer);
    }

    /** In so many seconds of steady work. */
    record Usage(double seconds, double cpuSeconds, double allocatedBytes) {}

    /** Looks at it while a client that is about to start does its work. */
    Watch watch(Load load) {
        var usage = new CompletableFuture<Usage>();
        var thread = Thread.ofVirtual().name("watch").start(() -> {
            try {
                usage.complete(look(load));
            } catch (IOException | InterruptedException | RuntimeException failed) {
                usage.completeExceptionally(failed);
            }
        });
        return new Watch(thread, usage);
    }

    private Usage look(Load load) throws IOException, InterruptedException {
        Thread.sleep(CLIENT_STARTS_MILLIS + load.warmUpSeconds() * 1000L);
        double cpuSeconds = cpuSeconds();
        long allocated = allocatedBytes();
        long start = System.nanoTime();
        Thread.sleep(Math.max(500, load.seconds() * 1000L - CLIENT_STARTS_MILLIS - CLIENT_ENDS_MILLIS));
        double nanos = System.nanoTime() - start;
        return new Usage(nanos / 1e9, cpuSeconds() - cpuSeconds, allocatedBytes() - allocated);
    }

    record Watch(Thread thread, CompletableFuture<Usage> pending) implements AutoCloseable {
        Usage usage() throws IOException, InterruptedException {
            try {
                return pending.get();
            } catch (ExecutionException failed) {
                throw new IOException("the target was not looked at", failed.getCause());
            }
        }

        @Override
        public void close() {
            thread.interrupt();
        }
    }

    @Override
    public void close() {
        try {
            if (paused) {
                // Stopped it would not hear that it is to end.
                pause(false);
            }
        } catch (IOException ended) {
            // It has ended already.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        program.close();
    }
}
