package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an operator sees of a node and changes of it, in the assembled distribution. One node serves all tests. */
class OperateIT {
    private static final Duration BOUND = Duration.ofSeconds(180);
    private static final String NQN = "nqn.2026-11.io.doorbell:nvme0";
    private static final String HOST = "nqn.2014-08.org.example:figures";
    private static final String SUBSYSTEM_FILE = "config/io.doorbell.subsystem~nvme0.cfg";

    @TempDir
    private static Path folder;

    private static Path home;
    private static NodeProcess node;
    private static NodeOverHttp operator;
    private static NodeOverHttp monitor;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        home = folder.resolve("home");
        node = NodeProcess.run(folder, home);
        node.awaitController();
        operator = NodeOverHttp.operator(node, home);
        monitor = NodeOverHttp.monitor(node, home);
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static Map<?, ?> row(Map<?, ?> table, String key) {
        var row = table.get(key);
        assertThat(row).as(key + " of " + table.keySet()).isNotNull();
        return (Map<?, ?>) row;
    }

    private static long number(Map<?, ?> row, String key) {
        return ((Number) row.get(key)).longValue();
    }

    private static String file() throws IOException {
        return Files.readString(home.resolve(SUBSYSTEM_FILE));
    }

    // Who may do what.

    /** Every operation that there is, by MBean: whatever is added later is tried as well. */
    private static Map<String, List<String>> operations() throws IOException, InterruptedException {
        var answer = operator.answer(Map.of("type", "list", "path", "io.doorbell"));
        var all = new TreeMap<String, List<String>>();
        ((Map<?, ?>) answer.get("value")).forEach((name, bean) -> {
            if (((Map<?, ?>) bean).get("op") instanceof Map<?, ?> operations) {
                var named = all.computeIfAbsent("io.doorbell:" + name, ignored -> new ArrayList<>());
                operations.forEach((operation, described) -> {
                    for (var one : described instanceof List<?> several ? several : List.of(described)) {
                        var types = ((List<?>) ((Map<?, ?>) one).get("args"))
                                .stream()
                                        .map(argument -> (String) ((Map<?, ?>) argument).get("type"))
                                        .toList();
                        named.add(operation + "(" + String.join(",", types) + ")");
                    }
                });
            }
        });
        return all;
    }

    @Test
    void nobodyButAnOperatorCanExecuteAnything() throws IOException, InterruptedException {
        int tried = 0;
        for (var bean : operations().entrySet()) {
            for (var operation : bean.getValue()) {
                int count = operation.endsWith("()") ? 0 : operation.split(",").length;
                var request = Map.of(
                        "type",
                        "exec",
                        "mbean",
                        bean.getKey(),
                        "operation",
                        operation,
                        "arguments",
                        Collections.nCopies(count, "1"));

                var answer = monitor.answer(request);
                assertThat(answer.get("status"))
                        .as(bean.getKey() + " " + operation + ": " + answer)
                        .isEqualTo(403);
                var many = JSON.std.listFrom(
                        monitor.post(List.of(request, request)).body());
                assertThat(many)
                        .hasSize(2)
                        .allSatisfy(one ->
                                assertThat(((Map<?, ?>) one).get("status")).isEqualTo(403));
                assertThat(operator.nobody().post(request).statusCode()).isEqualTo(401);
                tried++;
            }
        }
        assertThat(tried).isGreaterThan(20);
    }

    @Test
    void aMonitorReadsEverything() throws IOException, InterruptedException {
        for (var type : List.of(
                "Node",
                "Bundles",
                "Leases",
                "Reactors",
                "Subsystems",
                "Namespaces",
                "Hosts",
                "Listeners",
                "Connections",
                "Tcp",
                "Rdma",
                "PerfRuns",
                "Configuration",
                "Health",
                "Events")) {
            var answer = monitor.answer(Map.of("type", "read", "mbean", "io.doorbell:type=" + type));

            assertThat(answer.get("status")).as(type + ": " + answer).isEqualTo(200);
        }
        assertThat(monitor.get("/metrics").statusCode()).isEqualTo(200);
        assertThat(monitor.nobody().get("/metrics").statusCode()).isEqualTo(401);
        assertThat(monitor.nobody().get("/health").statusCode()).isEqualTo(401);
    }

    // Changes.

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Subsystems|addNamespace|nqn.none|7|memory:64MiB:4096|there is no subsystem",
                "Subsystems|addNamespace|NQN|0|memory:64MiB:4096|must be from 1 to 1024",
                "Subsystems|addNamespace|NQN|2|memory:64MiB:4096|is taken",
                "Subsystems|addNamespace|NQN|7|memory:many:4096|many",
                "Subsystems|addNamespace|NQN|7|paper:64MiB:4096|paper",
                "Subsystems|resizeNamespace|NQN|9|1048576|false|no namespace 9",
                "Subsystems|resizeNamespace|NQN|2|1048576|false|;shrink",
                "Subsystems|groupNamespace|NQN|2|33|1 to 32",
                "Subsystems|limitNamespace|NQN|2|iops:none|iops",
                "Subsystems|limitNamespace|NQN|9|iops:10|no namespace 9",
                "Subsystems|limitHost|NQN|nobody|iops:10|nobody",
                "Subsystems|removeNamespace|NQN|9|no namespace 9",
                "Subsystems|allowHost|NQN|nobody|nobody",
                "Subsystems|denyHost|NQN|nqn.2014-08.org.example:x|is not among",
                "Subsystems|create|../x|nqn.2014-08.org.example:s|S|M|name",
                "Subsystems|create|x|NQN|S|M|already",
                "Subsystems|create|x|nqn.2014-08.org.example:s||M|serial",
                "Subsystems|remove|nqn.none|there is no subsystem",
                "Listeners|setAccessState|tcp0|2|sideways|sideways",
                "Listeners|setAccessState|tcp9|2|inaccessible|there is no listener",
                "Listeners|create|carrier|x|127.0.0.1|4420|there is no transport",
                "Listeners|create|tcp|x|localhost|4420|address",
                "Listeners|create|tcp|x|127.0.0.1|0|1 to 65535",
                "Listeners|create|tcp|tcp0|127.0.0.1|4420|already",
                "Listeners|remove|tcp9|there is no listener",
                "Connections|disconnect|987654|987654",
                "Leases|revoke|987654|987654",
                "Bundles|drain|io.doorbell.api|there is no plug-in",
                "Bundles|start|nothing|there is no plug-in",
                "Configuration|set|../x.cfg|a|b|is no name",
                "Configuration|set|io.doorbell.management.cfg|port|many|must be a whole number",
                "Configuration|unset|io.doorbell.management.cfg|nothing|there is no key",
                "Configuration|remove|io.doorbell.management.cfg|only one of its kind",
                "PerfRuns|stop|987654|987654",
                "Reactors|move|nothing|0|there is no reactor",
                "Reactors|move|emulator-nvme0|54321|this process may use",
                "Reactors|unplace|nothing|there is no reactor",
                "Reactors|setIdle|-1|1|reactor.spin.cycles",
            })
    void aBadArgumentIsNamedAndChangesNothing(String line) throws IOException, InterruptedException {
        var words = line.replace("NQN", NQN).split("\\|", -1);
        var before = List.of(
                operator.read("Subsystems", "Subsystems"),
                operator.read("Listeners", "Listeners").keySet(),
                entries());
        var arguments = Arrays.copyOfRange(words, 2, words.length - 1);

        var answer = operator.exec(words[0], words[1], (Object[]) arguments);

        assertThat(answer.get("status")).as(answer.toString()).isEqualTo(500);
        assertThat((String) answer.get("error")).contains(words[words.length - 1]);
        assertThat(List.of(
                        operator.read("Subsystems", "Subsystems"),
                        operator.read("Listeners", "Listeners").keySet(),
                        entries()))
                .isEqualTo(before);
    }

    private static Map<Object, Object> entries() throws IOException, InterruptedException {
        var entries = new TreeMap<>();
        operator.read("Configuration", "Files")
                .forEach((name, file) -> entries.put(name, ((Map<?, ?>) file).get("entries")));
        return entries;
    }

    @Test
    void whatIsChangedIsThereAgainAfterARestart() throws IOException, InterruptedException {
        var second = folder.resolve("second");
        NodeProcess.managementAt(0, second);
        try (var first = NodeProcess.run(folder, second)) {
            var admin = NodeOverHttp.operator(first, second);
            admin.done("Subsystems", "addNamespace", NQN, 9, "file:16MiB:4096:var/nine.img");
            admin.done("Subsystems", "resizeNamespace", NQN, 9, 32 << 20, false);
            admin.done("Subsystems", "groupNamespace", NQN, 9, 3);
            admin.done("Subsystems", "limitNamespace", NQN, 9, "iops:5000");
            admin.done("Subsystems", "limitHost", NQN, HOST, "bytes:1MiB");
            admin.done("Subsystems", "allowHost", NQN, HOST);
            admin.done("Subsystems", "create", "more", "nqn.2014-08.org.example:more", "S1", "M 1");
            admin.done("Subsystems", "removeNamespace", NQN, 3);
            admin.done("Listeners", "setAccessState", "tcp0", 3, "non-optimized");
            admin.done("Listeners", "create", "tcp", "extra", "127.0.0.1", freePort());
            // The last one is where it is by itself.
            int cpu = ((Number) ((List<?>) admin.value("Reactors", "AllowedCpus")).getFirst()).intValue();
            admin.done("Reactors", "move", "emulator-nvme0", cpu);
            admin.done("Reactors", "setIdle", 100, 300);
            var before = admin.read("Subsystems", "Subsystems");
            first.terminate();
            assertThat(first.exitCode(BOUND)).isZero();

            try (var again = NodeProcess.run(folder, second)) {
                var now = NodeOverHttp.operator(again, second);
                await().atMost(BOUND).untilAsserted(() -> {
                    assertThat(now.read("Subsystems", "Subsystems")).isEqualTo(before);
                    var nine = row(now.read("Namespaces", "Namespaces"), NQN + "/9");
                    assertThat(number(nine, "bytes")).isEqualTo(32 << 20);
                    assertThat(number(nine, "group")).isEqualTo(3);
                    assertThat(nine.get("limits")).isEqualTo("iops:5000");
                    assertThat(now.read("Namespaces", "Namespaces").containsKey(NQN + "/3"))
                            .isFalse();
                    var listeners = now.read("Listeners", "Listeners");
                    assertThat(row(listeners, "tcp0").get("accessStates")).isEqualTo(List.of("3=non-optimized"));
                    assertThat(listeners.containsKey("extra")).isTrue();
                    assertThat(number(row(now.read("Reactors", "Reactors"), "emulator-nvme0"), "cpu"))
                            .isEqualTo(cpu);
                });
                assertThat(Files.readString(second.resolve("config/io.doorbell.resources.cfg")))
                        .contains("\nreactor.spin.cycles = 100\n", "\nreactor.yield.cycles = 300\n");
                now.done("Listeners", "remove", "extra");
                now.done("Subsystems", "remove", "nqn.2014-08.org.example:more");
                assertThat(now.read("Subsystems", "Subsystems")).hasSize(before.size() - 1);
            }
        }
    }

    @Test
    void theLastHostIsNotDenied() throws IOException, InterruptedException {
        operator.done("Subsystems", "allowHost", NQN, HOST);
        try {
            assertThat((String)
                            operator.exec("Subsystems", "denyHost", NQN, HOST).get("error"))
                    .contains("is the last");
            assertThat(file()).contains("hosts = " + HOST);
        } finally {
            operator.done("Configuration", "set", "io.doorbell.subsystem~nvme0.cfg", "hosts", "");
        }
        await().atMost(BOUND)
                .untilAsserted(() -> assertThat((List<?>) row(operator.read("Subsystems", "Subsystems"), NQN)
                                .get("hosts"))
                        .isEmpty());
    }

    @Test
    void aPlugInIsDrainedAndStarted() throws IOException, InterruptedException {
        operator.done("Bundles", "drain", "io.doorbell.bundle-admin");
        assertThat(row(operator.read("Bundles", "Bundles"), "io.doorbell.bundle-admin")
                        .get("state"))
                .isEqualTo("RESOLVED");

        operator.done("Bundles", "start", "io.doorbell.bundle-admin");

        assertThat(row(operator.read("Bundles", "Bundles"), "io.doorbell.bundle-admin")
                        .get("state"))
                .isEqualTo("ACTIVE");
        // The framework tells of its bundles on a thread of its own.
        await().atMost(BOUND).untilAsserted(() -> assertThat(kinds()).contains("bundle.stopped", "bundle.started"));
    }

    private static List<String> kinds() throws IOException, InterruptedException {
        return ((List<?>) operator.value("Events", "Events"))
                .stream().map(event -> (String) ((Map<?, ?>) event).get("kind")).toList();
    }

    // Health.

    @Test
    void aNodeThatIsWellSaysSoAndARejectedFileIsAnAlarm() throws IOException, InterruptedException {
        await().atMost(BOUND).untilAsserted(() -> {
            var health = operator.get("/health/ready");
            assertThat(health.statusCode()).as(health.body()).isEqualTo(200);
        });
        assertThat(operator.get("/health/live").statusCode()).isEqualTo(200);
        var file = home.resolve("config/io.doorbell.fabrics.cfg");
        var before = Files.readString(file);
        try {
            Files.writeString(file, "nothing.known = 1\n");

            await().atMost(BOUND).untilAsserted(() -> {
                var check = row(operator.read("Health", "Checks"), "configuration");
                assertThat(check.get("status")).isEqualTo("WARN");
                assertThat((String) check.get("message")).contains("io.doorbell.fabrics.cfg", "nothing.known");
            });
        } finally {
            Files.writeString(file, before);
        }
        await().atMost(BOUND)
                .untilAsserted(() -> assertThat(row(operator.read("Health", "Checks"), "configuration")
                                .get("status"))
                        .isEqualTo("OK"));
        await().atMost(BOUND).untilAsserted(() -> assertThat(kinds()).contains("alarm.raised", "alarm.cleared"));
    }

    @Test
    void aListenerWhosePortIsTakenSaysWhyAndListensWhenItIsFree() throws IOException, InterruptedException {
        long pid = ProcessHandle.current().pid();
        var own = "127." + (1 + pid / 250 % 250) + "." + (1 + pid % 250) + ".251"; // of no home of a test
        var device = "io.doorbell.rdma.soft~taken.cfg";
        var taken = "cannot have UDP port 4791 of " + own;
        try (var _ = new DatagramSocket(new InetSocketAddress(InetAddress.ofLiteral(own), 4791))) {
            Files.writeString(home.resolve("config").resolve(device), "name = taken\naddress = " + own + "\n");
            operator.done("Listeners", "create", "rdma", "waiting", own, 4420);

            await().atMost(BOUND).untilAsserted(() -> {
                var waiting = row(operator.read("Listeners", "Listeners"), "waiting");
                assertThat((String) waiting.get("problem")).contains("no RDMA device has the address " + own, taken);
                var check = row(operator.read("Health", "Checks"), "listeners");
                assertThat(check.get("status")).isEqualTo("CRITICAL");
                assertThat((String) check.get("message")).contains("waiting", taken, " has it.");
            });
        }
        await().atMost(BOUND).untilAsserted(() -> {
            var waiting = row(operator.read("Listeners", "Listeners"), "waiting");
            assertThat(waiting.get("listening")).isEqualTo(true);
            assertThat(waiting.get("problem")).isEqualTo("");
        });
        operator.done("Listeners", "remove", "waiting");
        operator.done("Configuration", "remove", device);
    }

    // The truth.

    private static double metric(String text, String name, String... labels) {
        double sum = 0;
        for (var line : text.lines().toList()) {
            boolean matches = line.startsWith(name + "{");
            for (var label : labels) {
                matches &= line.contains(label);
            }
            sum += matches ? Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)) : 0;
        }
        return sum;
    }

    /** Runs perf for a number of I/Os, and returns how many it says it did. */
    private static long perf(String flags) throws IOException, InterruptedException {
        var run = (Map<?, ?>) operator.done("PerfRuns", "start", flags);
        var id = run.get("id").toString();
        await().atMost(BOUND)
                .untilAsserted(() -> assertThat(
                                row(operator.read("PerfRuns", "Runs"), id).get("state"))
                        .isIn("SUCCEEDED", "FAILED"));
        var ended = row(operator.read("PerfRuns", "Runs"), id);
        assertThat(ended.get("state")).as(ended.toString()).isEqualTo("SUCCEEDED");
        assertThat(number(ended, "failed")).isZero();
        return number(ended, "completed");
    }

    /** Events of leases that have ended, which say what was done under each, by the id of the lease. */
    private static Map<Long, Map<?, ?>> ended(String field, String beginning) throws IOException, InterruptedException {
        var ended = new TreeMap<Long, Map<?, ?>>();
        for (var event : (List<?>) operator.value("Leases", "History")) {
            var lease = (Map<?, ?>) ((Map<?, ?>) event).get("lease");
            var kind = (String) ((Map<?, ?>) event).get("kind");
            if (List.of("RELEASED", "FENCED").contains(kind) && ((String) lease.get(field)).startsWith(beginning)) {
                ended.put(number(lease, "id"), lease);
            }
        }
        return ended;
    }

    private static long sum(Map<Long, Map<?, ?>> leases, String field) {
        return leases.values().stream().mapToLong(lease -> number(lease, field)).sum();
    }

    @Test
    void whatPerfSaysOverPciIsWhatItsLeasesAndTheSmartLogSay() throws IOException, InterruptedException {
        var before = ended("holder", "io.doorbell.bundle-perf");

        long done = perf("-q 8 -o 4096 -w randwrite -d 300 -r 'trtype:EMULATED traddr:nvme0 ns:2'");
        done += perf("-q 2 -o 4096 -w randread -d 200 -r 'trtype:EMULATED traddr:nvme0 ns:2'");

        var leases = ended("holder", "io.doorbell.bundle-perf");
        leases.keySet().removeAll(before.keySet());
        assertThat(sum(leases, "submitted")).isEqualTo(done);
        assertThat(sum(leases, "completed")).isEqualTo(done);
        assertThat(sum(leases, "failed")).isZero();
        assertThat(sum(leases, "inFlight")).isZero();
        // A controller is asked how it does when it comes.
        operator.done("Bundles", "drain", "io.doorbell.bundle-pcie");
        operator.done("Bundles", "start", "io.doorbell.bundle-pcie");
        await().atMost(BOUND).untilAsserted(() -> {
            var answer = operator.answer(
                    Map.of("type", "read", "mbean", "io.doorbell:type=Controller,*", "attribute", "Health"));
            // It has no MBean while its driver comes up.
            assertThat(answer.get("status")).as(answer.toString()).isEqualTo(200);
            var health = ((Map<?, ?>) answer.get("value"))
                    .values().stream()
                            .map(each -> (Map<?, ?>) ((Map<?, ?>) each).get("Health"))
                            .toList();
            assertThat(health).hasSize(1);
            assertThat(number(health.getFirst(), "readCommands")).isEqualTo(number(pci(), "readCommands"));
            assertThat(number(health.getFirst(), "writeCommands")).isEqualTo(number(pci(), "writeCommands"));
        });
    }

    @Test
    void whatPerfSaysOverPciIsWhatMBeansAndMetricsSay() throws IOException, InterruptedException {
        var before = row(operator.read("Namespaces", "Namespaces"), NQN + "/2");
        var hostBefore = pci();
        var metricsBefore = monitor.get("/metrics").body();

        long written = perf("-q 8 -o 4096 -w randwrite -d 1000 -r 'trtype:EMULATED traddr:nvme0 ns:2'");
        long read = perf("-q 4 -o 8192 -w randread -d 500 -r 'trtype:EMULATED traddr:nvme0 ns:2'");

        assertThat(written).isEqualTo(1000);
        assertThat(read).isEqualTo(500);
        var after = row(operator.read("Namespaces", "Namespaces"), NQN + "/2");
        assertThat(number(after, "writeCommands") - number(before, "writeCommands"))
                .isEqualTo(written);
        assertThat(number(after, "readCommands") - number(before, "readCommands"))
                .isEqualTo(read);
        assertThat(number(after, "writtenBytes") - number(before, "writtenBytes"))
                .isEqualTo(written * 4096);
        assertThat(number(after, "readBytes") - number(before, "readBytes")).isEqualTo(read * 8192);
        assertThat(number(after, "failedCommands")).isEqualTo(number(before, "failedCommands"));
        assertThat(number((Map<?, ?>) after.get("readLatency"), "samples"))
                .isBetween(1L, number(after, "readCommands"));
        var hostAfter = pci();
        assertThat(number(hostAfter, "writeCommands") - number(hostBefore, "writeCommands"))
                .isEqualTo(written);
        assertThat(number(hostAfter, "readBytes") - number(hostBefore, "readBytes"))
                .isEqualTo(read * 8192);
        var metrics = monitor.get("/metrics").body();
        for (var each : Map.of("read", read, "write", written).entrySet()) {
            var op = "op=\"" + each.getKey() + "\"";
            assertThat(metric(metrics, "doorbell_namespace_commands_total", "nsid=\"2\"", op)
                            - metric(metricsBefore, "doorbell_namespace_commands_total", "nsid=\"2\"", op))
                    .isEqualTo(each.getValue().doubleValue());
            assertThat(metric(metrics, "doorbell_host_commands_total", "host=\"pci\"", op)
                            - metric(metricsBefore, "doorbell_host_commands_total", "host=\"pci\"", op))
                    .isEqualTo(each.getValue().doubleValue());
        }
        assertThat(metric(metrics, "doorbell_namespace_latency_seconds_count", "nsid=\"2\"", "op=\"read\""))
                .isEqualTo(number((Map<?, ?>) after.get("readLatency"), "samples"));
    }

    private static Map<?, ?> pci() throws IOException, InterruptedException {
        var hosts = operator.read("Hosts", "Hosts");
        return hosts.containsKey("pci")
                ? row(hosts, "pci")
                : Map.of("readCommands", 0, "writeCommands", 0, "readBytes", 0, "writtenBytes", 0);
    }

    @Test
    void whatPerfSaysOverTcpIsCountedForItsHostAndItsConnectionsAreSeen() throws IOException, InterruptedException {
        var port = number(row(operator.read("Listeners", "Listeners"), "tcp0"), "port");
        var trid = "trtype:TCP traddr:127.0.0.1 trsvcid:" + port + " subnqn:" + NQN;
        var file = "io.doorbell.tcp.host~figures.cfg";
        operator.done("Configuration", "set", file, "trid", trid);
        operator.done("Configuration", "set", file, "host.nqn", HOST);
        try {
            await().atMost(BOUND)
                    .untilAsserted(() -> assertThat(row(operator.read("Hosts", "Hosts"), HOST))
                            .satisfies(host ->
                                    assertThat(number(host, "connections")).isPositive()));
            // The host is connected before its controller can be used.
            await().atMost(BOUND)
                    .untilAsserted(() -> assertThat(operator.read("Controller,*", "State"))
                            .anySatisfy((name, state) -> {
                                assertThat((String) name).contains("trtype:TCP", "trsvcid:" + port);
                                assertThat(((Map<?, ?>) state).get("State")).isEqualTo("READY");
                            }));
            assertThat(operator.read("Connections", "Connections").values())
                    .anySatisfy(connection ->
                            assertThat(((Map<?, ?>) connection).get("host")).isEqualTo(HOST));
            connectionsAreTheSameEverywhere();
            var before = ended("host", HOST);
            long accepted = accepted();

            long read = perf("-q 4 -o 4096 -w randread -d 500 -r '" + trid + " ns:2'");

            var host = row(operator.read("Hosts", "Hosts"), HOST);
            assertThat(number(host, "readCommands")).isEqualTo(read);
            assertThat(number(host, "readBytes")).isEqualTo(read * 4096);
            assertThat(metric(monitor.get("/metrics").body(), "doorbell_host_commands_total", HOST, "op=\"read\""))
                    .isEqualTo(read);
            await().atMost(BOUND).untilAsserted(() -> {
                var connections = ended("host", HOST);
                connections.keySet().removeAll(before.keySet());
                assertThat(connections).hasSize((int) (accepted() - accepted)).isNotEmpty();
                // And a Disconnect of each.
                assertThat(sum(connections, "completed")).isBetween(read, read + connections.size());
                assertThat(sum(connections, "submitted")).isBetween(read, read + connections.size());
            });
        } finally {
            operator.done("Configuration", "remove", file);
        }
        // Counted for good, also when the host is gone.
        await().atMost(BOUND)
                .untilAsserted(() -> assertThat(number(row(operator.read("Hosts", "Hosts"), HOST), "connections"))
                        .isZero());
        assertThat(number(row(operator.read("Hosts", "Hosts"), HOST), "readCommands"))
                .isEqualTo(500);
    }

    private static long accepted() throws IOException, InterruptedException {
        return number(row(operator.read("Tcp", "Counters"), "tcp0"), "connections_accepted");
    }

    /** Nobody but one host is connected, by tcp0. */
    private static void connectionsAreTheSameEverywhere() {
        await().atMost(BOUND).untilAsserted(() -> {
            var connections = operator.read("Connections", "Connections");
            assertThat(connections).isNotEmpty();
            assertThat(operator.value("Connections", "ConnectionCount")).isEqualTo(connections.size());
            assertThat(number(row(operator.read("Listeners", "Listeners"), "tcp0"), "connections"))
                    .isEqualTo(connections.size());
            assertThat(number(row(operator.read("Hosts", "Hosts"), HOST), "connections"))
                    .isEqualTo(connections.size());
            var metrics = monitor.get("/metrics").body();
            assertThat(metric(metrics, "doorbell_listener_connections", "listener=\"tcp0\""))
                    .isEqualTo(connections.size());
            assertThat(metric(metrics, "doorbell_tcp_events_total", "tcp0", "event=\"connections_accepted\""))
                    .isEqualTo(accepted());
            var leases = operator.read("Leases", "Leases");
            assertThat(operator.value("Leases", "LeaseCount")).isEqualTo(leases.size());
            assertThat(leases.keySet().stream().map(Object::toString))
                    .containsAll(
                            connections.keySet().stream().map(Object::toString).toList());
        });
    }

    @Test
    void theDashboardAsksForMetricsThatThereAre() throws IOException, InterruptedException {
        var dashboard = Files.readString(NodeProcess.REPOSITORY.resolve("docs/grafana-dashboard.json"));
        var asked = Pattern.compile("doorbell_[a-z_]+")
                .matcher(dashboard)
                .results()
                .map(MatchResult::group)
                .toList();
        assertThat(asked).hasSizeGreaterThan(10);

        // A controller is asked how it does when it has come.
        await().atMost(BOUND).untilAsserted(() -> {
            var there = monitor.get("/metrics").body();
            assertThat(asked)
                    .allSatisfy(
                            name -> assertThat(there).contains("\n# TYPE " + name.replaceAll("_bucket$", "") + " "));
        });
    }

    @Test
    void labelsAndHelpAreWhatPrometheusTakes() throws IOException, InterruptedException {
        var response = monitor.get("/metrics");

        assertThat(response.headers().firstValue("Content-Type"))
                .hasValueSatisfying(type -> assertThat(type).startsWith("text/plain; version=0.0.4"));
        var sample = Pattern.compile("[a-z_]+(\\{([a-z]+=\"[^\"]*\",?)*\\})? [-+0-9.eEInfNa]+");
        assertThat(response.body().lines())
                .hasSizeGreaterThan(20)
                .allSatisfy(line -> assertThat(
                                line.startsWith("# ") || sample.matcher(line).matches())
                        .as(line)
                        .isTrue());
    }
}
