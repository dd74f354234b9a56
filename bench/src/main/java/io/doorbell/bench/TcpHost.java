package io.doorbell.bench;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.Registers;
import io.doorbell.platform.CpuAffinity;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * A host by NVMe/TCP that knows no more than it takes to load a target, or to be connected and silent: a controller, and I/O queues, each a
 * {@link TcpQueue}. One thread.
 */
final class TcpHost implements AutoCloseable {
    private static final String NQN = "nqn.2014-08.org.nvmexpress:uuid:6f1c9c4a-1f2b-4a6e-9d55-0f4f6c2f9a10";
    private static final UUID HOST_ID = UUID.fromString("6f1c9c4a-1f2b-4a6e-9d55-0f4f6c2f9a10");
    private static final int NEW_CONTROLLER = 0xFFFF;
    private static final int ADMIN_ENTRIES = 32;

    /** What targets grant as they are configured, ours and SPDK's. One entry stays empty. */
    private static final int MOST_ENTRIES = 128;

    /** CC: enabled, entries of 64 and 16 bytes. */
    private static final int ENABLED = 0x0046_0001;

    /** KATO: it may be silent for as long as it likes. */
    private static final int NO_KEEP_ALIVE = 0;

    private final InetSocketAddress address;
    private final String subnqn;
    private final TcpQueue admin;
    private final int controller;
    private final List<TcpQueue> queues = new ArrayList<>();

    private TcpHost(InetSocketAddress address, String subnqn) throws IOException {
        this.address = address;
        this.subnqn = subnqn;
        admin = new TcpQueue(address, 1);
        try {
            controller = (int) connect(admin, 0, ADMIN_ENTRIES, NEW_CONTROLLER);
            admin.send(AdminOpcode.FABRICS, FabricsCommand.PROPERTY_SET, 0, Registers.CC, ENABLED, null, 0);
            admin.result();
        } catch (IOException | RuntimeException failed) {
            admin.close();
            throw failed;
        }
    }

    /** A controller with so many I/O queues, for so many commands each. */
    static TcpHost connect(InetSocketAddress address, String subnqn, int queues, int depth) throws IOException {
        var host = new TcpHost(address, subnqn);
        try {
            for (int i = 0; i < queues; i++) {
                var queue = new TcpQueue(address, depth);
                host.queues.add(queue);
                host.connect(queue, i + 1, Math.min(depth + 1, MOST_ENTRIES), host.controller);
            }
            return host;
        } catch (IOException | RuntimeException failed) {
            host.close();
            throw failed;
        }
    }

    private long connect(TcpQueue queue, int qid, int entries, int cntlid) throws IOException {
        queue.initialize();
        var data = MemorySegment.ofArray(new byte[ConnectData.SIZE_BYTES]);
        ConnectData.HOSTID.set(data, HOST_ID);
        ConnectData.CNTLID.set(data, cntlid);
        ConnectData.SUBNQN.set(data, subnqn);
        ConnectData.HOSTNQN.set(data, NQN);
        queue.send(
                AdminOpcode.FABRICS,
                FabricsCommand.CONNECT,
                FabricsCommand.connectDword10(0, qid),
                FabricsCommand.connectDword11(entries - 1, FabricsCommand.CATTR_DISABLE_FLOW_CONTROL),
                NO_KEEP_ALIVE,
                data,
                ConnectData.SIZE_BYTES);
        return queue.result();
    }

    /** Puts so many commands in flight on a queue, or as many as it has room for. */
    void begin(int queue, Load load, int depth) throws IOException {
        queues.get(queue).begin(load, Math.min(depth, MOST_ENTRIES - 1));
    }

    /** Keeps so many commands in flight for so long, on CPU 0. Returns how many ended a second. */
    static double load(InetSocketAddress address, String subnqn, Load load) throws IOException {
        CpuAffinity.pinCurrentThread(0);
        try {
            return loadHere(address, subnqn, load);
        } finally {
            CpuAffinity.bindCurrentThread(CpuAffinity.processCpus());
        }
    }

    private static double loadHere(InetSocketAddress address, String subnqn, Load load) throws IOException {
        int depth = (load.depth() + load.connections() - 1) / load.connections();
        try (var host = connect(address, subnqn, load.connections(), depth)) {
            for (int i = 0; i < load.connections(); i++) {
                int more = i < load.depth() % load.connections() || load.depth() % load.connections() == 0
                        ? depth
                        : depth - 1;
                host.begin(i, load, more);
            }
            host.run(load.warmUpSeconds() * 1e9);
            long start = System.nanoTime();
            long ended = host.run(load.seconds() * 1e9);
            return ended * 1e9 / (System.nanoTime() - start);
        }
    }

    private long run(double nanos) throws IOException {
        long ended = 0;
        long start = System.nanoTime();
        while (System.nanoTime() - start < nanos) {
            ended += poll();
        }
        return ended;
    }

    /** Takes what has come to all queues and sends what follows. Returns how many commands ended. */
    int poll() throws IOException {
        int ended = 0;
        for (int i = 0; i < queues.size(); i++) {
            ended += queues.get(i).poll();
        }
        return ended;
    }

    @Override
    public void close() {
        queues.forEach(TcpQueue::close);
        admin.close();
    }
}
