package io.doorbell.tcp;

import io.doorbell.fabrics.FabricTarget;
import io.doorbell.lease.ConnectionLeases;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.TcpSocket;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.ReactorStatistics;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.target.TargetSubsystem;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A target whose reactor is the test's own thread: a cycle runs when the test says so, and it is as late as the test says. Everything else is as
 * in a node: real sockets, real subsystems. Owner: the thread that makes it.
 */
final class DrivenTarget implements AutoCloseable {
    private static final int BACKLOG = 128;

    /** The loopback has many addresses: whoever connects a hundred thousand times runs out of ports for one of them. */
    private static final int ADDRESSES = 250;

    final FabricTarget fabrics = new FabricTarget(Runnable::run);
    final TcpReactor member;
    private final OwnThread reactor = new OwnThread();
    private final List<TargetSubsystem> subsystems;
    private final int port;
    private long laterNanos;
    private long cycles;
    private int connects;
    private GoodHost beside;
    private boolean besideLooks;

    DrivenTarget(TcpTargetSettings settings, TargetSubsystem... subsystems) {
        this.subsystems = List.of(subsystems);
        this.subsystems.forEach(fabrics::add);
        var socket = TcpSocket.listen(new InetSocketAddress("0.0.0.0", 0), BACKLOG);
        port = socket.localAddress().getPort();
        var listener = TcpTarget.listener(settings, socket.localAddress(), (_, _) -> ConnectionLeases.UNCOUNTED);
        member = new TcpReactor(reactor, settings, fabrics, listener, settings.maxConnections());
        member.listen(socket, member::adopt);
        fabrics.add(listener);
    }

    /** Another one each time. */
    InetSocketAddress address() {
        var bytes = new byte[] {127, 0, 0, (byte) (1 + connects++ % ADDRESSES)};
        try {
            return new InetSocketAddress(InetAddress.getByAddress(bytes), port);
        } catch (java.net.UnknownHostException impossible) {
            throw new AssertionError("4 bytes", impossible);
        }
    }

    /** Lets a host be served beside the others, all the time. */
    void beside(GoodHost host) {
        beside = host;
    }

    /** Returns work done. */
    int cycle() {
        cycles++;
        if (beside != null && !besideLooks) {
            besideLooks = true;
            beside.look();
            besideLooks = false;
        }
        int tasks = reactor.runTasks();
        return tasks + member.poll(System.nanoTime() + laterNanos);
    }

    long cycles() {
        return cycles;
    }

    /** Time passes. */
    void later(Duration duration) {
        laterNanos += duration.toNanos();
    }

    int connections() {
        return member.connectionCount();
    }

    @Override
    public void close() {
        fabrics.close();
        member.close();
        for (var subsystem : subsystems) {
            if (subsystem instanceof NvmSubsystem ours) {
                ours.close();
            }
        }
    }

    /** The thread that made it, which runs nothing but what is handed to it. */
    private static final class OwnThread implements Reactor {
        private final Thread thread = Thread.currentThread();
        private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();

        int runTasks() {
            int count = 0;
            for (var task = tasks.poll(); task != null; task = tasks.poll()) {
                task.run();
                count++;
            }
            return count;
        }

        @Override
        public String name() {
            return "driven";
        }

        @Override
        public int cpu() {
            return -1;
        }

        @Override
        public Thread thread() {
            return thread;
        }

        @Override
        public void execute(Runnable task) {
            tasks.add(task);
        }

        @Override
        public <T> T call(Callable<T> task, Duration bound) {
            throw new UnsupportedOperationException("nobody but its own thread knows this reactor");
        }

        @Override
        public void add(Poller poller) {
            throw new UnsupportedOperationException("its pollers are called by the test");
        }

        @Override
        public void remove(Poller poller) {
            throw new UnsupportedOperationException("its pollers are called by the test");
        }

        @Override
        public void wake() {
            // It never sleeps.
        }

        @Override
        public EventFd sign() {
            throw new UnsupportedOperationException("it never sleeps");
        }

        @Override
        public ReactorStatistics statistics() {
            throw new UnsupportedOperationException("the test counts");
        }

        @Override
        public void close() {
            // It is the test's.
        }
    }
}
