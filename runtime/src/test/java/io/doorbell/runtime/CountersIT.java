package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hosts that know what they did, and what the MBeans and {@code /metrics} of the assembled distribution say of it. One node serves all tests. */
class CountersIT {
    private static final Duration BOUND = Duration.ofSeconds(180);
    private static final String NQN = "nqn.2026-11.io.doorbell:nvme0";
    private static final int BLOCK_BYTES = 4096;
    private static final int LOOK_MILLIS = 100;
    private static final int END = -1;

    @TempDir
    private static Path folder;

    private static NodeProcess node;
    private static NodeOverHttp operator;
    private static NodeOverHttp monitor;

    @BeforeAll
    static void start() throws IOException {
        var home = folder.resolve("home");
        node = NodeProcess.run(folder, home);
        operator = NodeOverHttp.operator(node, home);
        monitor = NodeOverHttp.monitor(node, home);
        node.awaitOutput("tcp0 listens at");
        node.awaitOutput("rdma0 listens at");
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    private static Map<?, ?> row(String type, String attribute, String key) throws IOException, InterruptedException {
        var row = operator.read(type, attribute).get(key);
        return row == null ? Map.of() : (Map<?, ?>) row;
    }

    private static long number(Map<?, ?> row, String key) {
        return row.containsKey(key) ? ((Number) row.get(key)).longValue() : 0;
    }

    /** Where there is no such line, nobody counts it. */
    private static long metric(String metrics, String name, String... labels) {
        return metrics.lines()
                .filter(line -> line.startsWith(name + "{"))
                .filter(line -> List.of(labels).stream().allMatch(line::contains))
                .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    // A host on the network: commands, and those that fail.

    private static final int WRITES = 7;
    private static final int READS = 5;
    private static final int FLUSHES = 3;
    private static final int FAILURES = 2;

    private static void work(TcpHost io) throws IOException {
        var data = new byte[BLOCK_BYTES];
        for (int i = 0; i < WRITES; i++) {
            assertThat(io.run(TcpHost.command(NvmOpcode.WRITE, 1, i, 0, 0), data, null))
                    .isZero();
        }
        for (int i = 0; i < READS; i++) {
            assertThat(io.run(TcpHost.command(NvmOpcode.READ, 1, i, 0, 0), new byte[0], data))
                    .isZero();
        }
        for (int i = 0; i < FLUSHES; i++) {
            assertThat(io.run(TcpHost.command(NvmOpcode.FLUSH, 1, 0, 0, 0), new byte[0], null))
                    .isZero();
        }
        for (int i = 0; i < FAILURES; i++) {
            // A block of the second 16 TiB.
            assertThat(Status.code(io.run(TcpHost.command(NvmOpcode.READ, 1, 0, 1, 0), new byte[0], data)))
                    .isEqualTo(Status.LBA_OUT_OF_RANGE);
        }
    }

    /** What a table of namespaces or hosts has to say of {@link #work}, beside what it said before. */
    private static void compareWork(Map<?, ?> before, Map<?, ?> after) {
        var expected = new TreeMap<String, Long>(Map.of(
                "readCommands", (long) READS,
                "writeCommands", (long) WRITES,
                "otherCommands", (long) FLUSHES,
                "failedCommands", (long) FAILURES,
                "readBytes", (long) READS * BLOCK_BYTES,
                "writtenBytes", (long) WRITES * BLOCK_BYTES));
        var found = new TreeMap<String, Long>();
        expected.keySet().forEach(key -> found.put(key, number(after, key) - number(before, key)));
        assertThat(found).isEqualTo(expected);
        // The first command of a path is timed, and that was a write.
        assertThat(number((Map<?, ?>) after.get("writeLatency"), "samples"))
                .isBetween(1L, number(after, "writeCommands"));
        assertThat(number((Map<?, ?>) after.get("readLatency"), "samples"))
                .isBetween(0L, number(after, "readCommands"));
    }

    private static void compareMetrics(String of, Map<?, ?> row, String... labels)
            throws IOException, InterruptedException {
        var metrics = monitor.get("/metrics").body();
        var found = new TreeMap<String, Long>();
        var prefix = "doorbell_" + of;
        Map.of("read", "read", "write", "written").forEach((op, bytes) -> {
            found.put(op + "Commands", metric(metrics, prefix + "_commands_total", with(labels, op)));
            found.put(bytes + "Bytes", metric(metrics, prefix + "_bytes_total", with(labels, op)));
            assertThat(metric(metrics, prefix + "_latency_seconds_count", with(labels, op)))
                    .isEqualTo(number((Map<?, ?>) row.get(op + "Latency"), "samples"));
        });
        found.put("otherCommands", metric(metrics, prefix + "_commands_total", with(labels, "other")));
        found.put("failedCommands", metric(metrics, prefix + "_failed_commands_total", labels));
        assertThat(found).allSatisfy((key, value) -> assertThat(value).as(key).isEqualTo(number(row, key)));
    }

    private static String[] with(String[] labels, String op) {
        var all = new String[labels.length + 1];
        System.arraycopy(labels, 0, all, 0, labels.length);
        all[labels.length] = "op=\"" + op + "\"";
        return all;
    }

    @Test
    void whatAHostDidIsWhatEveryTableSays() throws IOException, InterruptedException {
        int port = (int) number(row("Listeners", "Listeners", "tcp0"), "port");
        var namespaceBefore = row("Namespaces", "Namespaces", NQN + "/1");
        try (var admin = new TcpHost(port, NQN, 0, 0xFFFF);
                var io = new TcpHost(port, NQN, 1, admin.controllerId())) {
            work(io);

            var namespace = row("Namespaces", "Namespaces", NQN + "/1");
            compareWork(namespaceBefore, namespace);
            compareMetrics("namespace", namespace, "nsid=\"1\"");
            var host = row("Hosts", "Hosts", TcpHost.HOST_NQN);
            compareWork(Map.of(), host);
            compareMetrics("host", host, TcpHost.HOST_NQN);
            // Those of a host before may still be on their way out.
            await().atMost(BOUND).untilAsserted(() -> compareConnection(port));
        }
        assertThat(operator.value("Namespaces", "NamespaceCount"))
                .isEqualTo(operator.read("Namespaces", "Namespaces").size())
                .isEqualTo(3);
    }

    private static void compareConnection(int port) throws IOException, InterruptedException {
        var connection = operator.read("Connections", "Connections").values().stream()
                .map(each -> (Map<?, ?>) each)
                .filter(each -> each.get("listener").toString().contains("trsvcid:" + port))
                .filter(each -> number(each, "queueId") == 1)
                .findFirst()
                .orElseThrow(() -> new AssertionError("no connection of queue 1"));
        long commands = WRITES + READS + FLUSHES + FAILURES;
        assertThat(number(connection, "commands")).isEqualTo(commands);
        assertThat(number(connection, "inFlight")).isZero();
        assertThat(number(row("Hosts", "Hosts", TcpHost.HOST_NQN), "connections"))
                .isEqualTo(2);
        assertThat(number((Map<?, ?>) connection.get("latency"), "samples")).isBetween(1L, commands);
        var lease = row("Leases", "Leases", connection.get("leaseId").toString());
        assertThat(number(lease, "submitted")).isEqualTo(commands);
        assertThat(number(lease, "completed")).isEqualTo(commands);
        assertThat(number(lease, "failed")).isEqualTo(FAILURES);
        assertThat(number(lease, "inFlight")).isZero();
        var leases = operator.read("Leases", "Leases").values().stream()
                .filter(each -> ((Map<?, ?>) each).get("holder").toString().startsWith("io.doorbell.bundle-tcp"));
        assertThat(number(row("Bundles", "Bundles", "io.doorbell.bundle-tcp"), "leases"))
                .isEqualTo(leases.count())
                .isEqualTo(2);
        assertThat(number(row("Leases", "Latency", connection.get("leaseId").toString()), "samples"))
                .isEqualTo(number((Map<?, ?>) connection.get("latency"), "samples"));
    }

    // Connections that come to nothing.

    private static Map<String, Long> tcp(String listener) throws IOException, InterruptedException {
        var counters = new TreeMap<String, Long>();
        row("Tcp", "Counters", listener)
                .forEach((name, count) ->
                        counters.put(name.toString().replace("connections_", ""), ((Number) count).longValue()));
        return counters;
    }

    /** Nobody is evicted here: that is a matter of time. */
    private static void awaitTcp(String listener, long accepted, long refused, long terminated) {
        var expected = Map.of("accepted", accepted, "refused", refused, "evicted", 0L, "terminated", terminated);
        await().atMost(BOUND).untilAsserted(() -> {
            assertThat(tcp(listener)).isEqualTo(new TreeMap<>(expected));
            var metrics = monitor.get("/metrics").body();
            assertThat(expected)
                    .allSatisfy((name, count) -> assertThat(metric(
                                    metrics,
                                    "doorbell_tcp_events_total",
                                    listener,
                                    "event=\"connections_" + name + "\""))
                            .isEqualTo(count));
        });
    }

    private static Socket connect(int port) throws IOException {
        var socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(LOOK_MILLIS);
        return socket;
    }

    /** Whether the node has closed it, as far as is known after a moment. */
    private static boolean hasEnded(Socket socket) throws IOException {
        try {
            return socket.getInputStream().read() == END;
        } catch (SocketTimeoutException open) {
            return false;
        }
    }

    @Test
    void connectionsThatAreRefusedOrTerminatedAreCounted() throws IOException, InterruptedException {
        var file = "io.doorbell.tcp.target~small.cfg";
        int port = TcpHost.freePort();
        operator.done("Configuration", "set", file, "name", "small");
        operator.done("Configuration", "set", file, "max.connections", "2");
        operator.done("Configuration", "set", file, "port", Integer.toString(port));
        node.awaitOutput("small listens at 127.0.0.1:" + port);
        awaitTcp("small", 0, 0, 0);

        try (var admin = new TcpHost(port, NQN, 0, 0xFFFF);
                var _ = new TcpHost(port, NQN, 1, admin.controllerId());
                var third = connect(port)) {
            await().atMost(BOUND).until(() -> hasEnded(third));
            awaitTcp("small", 2, 1, 0);
        }
        await().atMost(BOUND).until(() -> number(row("Listeners", "Listeners", "small"), "connections") == 0);

        try (var stranger = connect(port)) {
            stranger.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes());
            awaitTcp("small", 3, 1, 1);
        }
        operator.done("Configuration", "remove", file);
    }

    // RDMA.

    /** Queue pair 1 takes management datagrams and nothing else. */
    private static final int MANAGEMENT = 1;

    private static final int NOBODY = 0x7F_0000;

    private static Map<String, Long> rdma() throws IOException, InterruptedException {
        var counters = new TreeMap<String, Long>();
        row("Rdma", "Counters", "soft0")
                .forEach((name, count) -> counters.put(name.toString(), ((Number) count).longValue()));
        return counters;
    }

    @Test
    void packetsOfRdmaAndThoseThatAreDroppedAreCounted() throws IOException, InterruptedException {
        var device = row("Configuration", "Files", "io.doorbell.rdma.soft~soft0.cfg");
        var address = InetAddress.ofLiteral((String) ((Map<?, ?>) device.get("entries")).get("address"));
        var before = rdma();
        var packets = new TreeMap<String, byte[]>(Map.of(
                "drop_too_short", new byte[8],
                "drop_version", packet(MANAGEMENT, 1, 0xFFFF),
                "drop_partition", packet(MANAGEMENT, 0, 0x1234),
                "drop_not_a_mad", packet(MANAGEMENT, 0, 0xFFFF),
                "drop_no_queue_pair", packet(NOBODY, 0, 0xFFFF)));
        try (var socket = new DatagramSocket()) {
            for (var packet : packets.values()) {
                socket.send(new DatagramPacket(packet, packet.length, address, 4791));
            }
        }

        await().atMost(BOUND).untilAsserted(() -> {
            var after = rdma();
            assertThat(packets.keySet())
                    .allSatisfy(name -> assertThat(after.get(name) - before.get(name))
                            .as(name)
                            .isEqualTo(1));
            assertThat(after.get("received_packets") - before.get("received_packets"))
                    .isEqualTo(packets.size());
            assertThat(after.get("sent_packets")).isEqualTo(before.get("sent_packets"));
            var metrics = monitor.get("/metrics").body();
            assertThat(after)
                    .allSatisfy((name, count) -> assertThat(
                                    metric(metrics, "doorbell_rdma_events_total", "soft0", "event=\"" + name + "\""))
                            .as(name)
                            .isEqualTo(count));
        });
    }

    /** A Send to a queue pair. InfiniBand Architecture Specification Volume 1 1.4 §9.2 "Base Transport Header"; without a check that is right. */
    private static byte[] packet(int queuePair, int version, int partition) {
        return ByteBuffer.allocate(48)
                .put((byte) 0x04)
                .put((byte) version)
                .putShort((short) partition)
                .putInt(queuePair)
                .array();
    }
}
