package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Management over HTTP, of the assembled distribution. One node serves all tests. */
class ManagementIT {
    private static final Duration BOUND = Duration.ofSeconds(180);
    private static final int CONNECT_MILLIS = 20_000;
    private static final Pattern ADDRESS = Pattern.compile("management at (http://127\\.0\\.0\\.1:(\\d+))/jolokia");

    @TempDir
    private static Path folder;

    private static Path home;
    private static NodeProcess node;
    private static String address;
    private static int port;
    private static String password;

    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(BOUND).build();

    @BeforeAll
    static void start() throws IOException {
        home = folder.resolve("home");
        node = NodeProcess.run(folder, home);
        node.awaitController();
        node.awaitOutput("management at");
        var found = ADDRESS.matcher(node.output());
        assertThat(found.find()).isTrue();
        address = found.group(1);
        port = Integer.parseInt(found.group(2));
        password = Files.readString(home.resolve("var/management.password")).strip();
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    private static HttpRequest.Builder request(String path, String secret) {
        var request = HttpRequest.newBuilder(URI.create(address + path)).timeout(BOUND);
        if (secret != null) {
            var credentials = ("admin:" + secret).getBytes(StandardCharsets.UTF_8);
            request.header("Authorization", "Basic " + Base64.getEncoder().encodeToString(credentials));
        }
        return request;
    }

    private HttpResponse<String> get(String path, String secret) throws IOException, InterruptedException {
        return client.send(request(path, secret).build(), BodyHandlers.ofString());
    }

    /** Jolokia answers what it denies with 200 and a status in the body. */
    private Map<?, ?> read(String path) throws IOException, InterruptedException {
        var response = get(path, password);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.std.mapFrom(response.body());
    }

    private Map<?, ?> post(String json) throws IOException, InterruptedException {
        var request = request("/jolokia", password)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json))
                .build();
        var response = client.send(request, BodyHandlers.ofString());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.std.mapFrom(response.body());
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/jolokia", "/jolokia/read/io.doorbell:type=Leases", "/nothing"})
    void nothingIsServedWithoutThePassword(String path) throws IOException, InterruptedException {
        var without = get(path, null);

        assertThat(without.statusCode()).isEqualTo(401);
        assertThat(without.headers().firstValue("WWW-Authenticate"))
                .hasValueSatisfying(asked -> assertThat(asked).startsWith("Basic realm="));
        assertThat(get(path, password + "x").statusCode()).isEqualTo(401);
        assertThat(get(path, password).statusCode()).isIn(200, 404);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Leases", "PerfRuns", "Reactors"})
    void mbeansAreReadWithThePassword(String type) throws IOException, InterruptedException {
        var answer = read("/jolokia/read/io.doorbell:type=" + type);

        assertThat(answer.get("status")).isEqualTo(200);
        assertThat((Map<?, ?>) answer.get("value")).isNotEmpty();
    }

    @Test
    void onlyOursAndTheJvmsAreListed() throws IOException, InterruptedException {
        var domains = (Map<?, ?>) read("/jolokia/list").get("value");

        assertThat(domains.keySet()).isEqualTo(Set.of("io.doorbell", "java.lang"));
    }

    @Test
    void thePasswordIsTheOwnersAndInNoLog() throws IOException {
        assertThat(PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(home.resolve("var/management.password"))))
                .isEqualTo("rw-------");
        assertThat(password).hasSizeGreaterThan(20);
        assertThat(node.output()).doesNotContain(password);
        assertThat(Files.readString(home.resolve("var/log/doorbell.log"))).doesNotContain(password);
    }

    @ParameterizedTest
    @ValueSource(strings = {"""
                {"type": "exec", "mbean": "java.lang:type=Memory", "operation": "gc"}""", """
                {"type": "exec", "mbean": "com.sun.management:type=DiagnosticCommand", "operation": "vmVersion"}""", """
                {"type": "read", "mbean": "com.sun.management:type=HotSpotDiagnostic"}""", """
                {"type": "write", "mbean": "java.lang:type=Memory", "attribute": "Verbose", "value": true}"""})
    void whatThePolicyDoesNotNameIsDenied(String request) throws IOException, InterruptedException {
        var answer = post(request);

        assertThat(answer.get("status")).as(answer.toString()).isEqualTo(403);
        assertThat(answer.containsKey("value")).isFalse();
    }

    @Test
    void aGetDoesNotAct() throws IOException, InterruptedException {
        assertThat(read("/jolokia/exec/io.doorbell:type=Leases/revoke/1").get("status"))
                .isEqualTo(403);
        assertThat(read("/jolokia/?p=exec/io.doorbell:type=PerfRuns/stop/1").get("status"))
                .isEqualTo(403);
    }

    @Test
    void aLeaseThatIsNotThereIsNamed() throws IOException, InterruptedException {
        var answer = post("""
                {"type": "exec", "mbean": "io.doorbell:type=Leases", "operation": "revoke", "arguments": [987654]}""");

        assertThat(answer.get("status")).isEqualTo(500);
        assertThat((String) answer.get("error")).contains("987654", "leases now: ");
    }

    @Test
    void wrongFlagsAreNamed() throws IOException, InterruptedException {
        var answer = exec("PerfRuns", "start", "\"-q many -o 4096 -w read -t 1\"");

        assertThat(answer.get("status")).isEqualTo(500);
        assertThat((String) answer.get("error")).contains("-q", "many");
        // Not over the disks of hosts by mistake.
        answer = exec("PerfRuns", "start", "\"-q 1 -o 4096 -w randwrite -d 1 -r 'trtype:EMULATED traddr:nvme0'\"");
        assertThat((String) answer.get("error")).contains("-w randwrite", "named");
    }

    @Test
    void aLeaseOfARunningPerfIsTakenBack() throws IOException, InterruptedException {
        var run = value(exec("PerfRuns", "start", "\"-q 4 -o 4096 -w randread -t 60\""));
        try {
            var lease = await().atMost(BOUND).until(this::leaseOfPerfAtWork, Objects::nonNull);
            assertThat((String) lease.get("controller")).startsWith("trtype:EMULATED");
            var id = ((Number) lease.get("id")).longValue();

            var event = value(exec("Leases", "revoke", Long.toString(id)));

            assertThat(event.get("kind")).isIn("RELEASED", "FENCED");
            assertThat(event.get("reason")).isEqualTo("OPERATOR");
            assertThat(((Map<?, ?>) event.get("lease")).get("id")).hasToString(Long.toString(id));
            assertThat(((Number) event.get("closeNanos")).longValue()).isPositive();
            assertThat(leases().containsKey(Long.toString(id))).isFalse();
            var history = (List<?>)
                    read("/jolokia/read/io.doorbell:type=Leases/History").get("value");
            assertThat(kinds(history, id)).contains("GRANTED", "REVOKING", (String) event.get("kind"));
        } finally {
            exec("PerfRuns", "stop", Long.toString(((Number) run.get("id")).longValue()));
        }
        await().atMost(BOUND).untilAsserted(() -> assertThat(leases()).isEmpty());
    }

    /** Null while there is none. */
    private Map<?, ?> leaseOfPerfAtWork() throws IOException, InterruptedException {
        for (var row : leases().values()) {
            var lease = (Map<?, ?>) row;
            if (((String) lease.get("holder")).startsWith("io.doorbell.bundle-perf")
                    && ((Number) lease.get("completed")).longValue() > 0) {
                return lease;
            }
        }
        return null;
    }

    @Test
    void theControllerIsThereWithItsNamespaces() throws IOException, InterruptedException {
        // A driver brings a controller up in the background.
        await().atMost(BOUND).untilAsserted(() -> {
            var answer = read("/jolokia/read/io.doorbell:type=Controller,*");
            assertThat(answer.get("status")).as(answer.toString()).isEqualTo(200);
            assertThat((Map<?, ?>) answer.get("value")).hasSize(1).allSatisfy((name, controller) -> {
                assertThat((String) name).contains("trid=\"trtype:EMULATED traddr:nvme0\"");
                assertThat(((Map<?, ?>) controller).get("State")).isEqualTo("READY");
                assertThat((Map<?, ?>) ((Map<?, ?>) controller).get("Namespaces"))
                        .isNotEmpty();
            });
        });
    }

    private static List<String> kinds(List<?> history, long leaseId) {
        return history.stream()
                .map(event -> (Map<?, ?>) event)
                .filter(event ->
                        ((Map<?, ?>) event.get("lease")).get("id").toString().equals(Long.toString(leaseId)))
                .map(event -> (String) event.get("kind"))
                .toList();
    }

    private Map<?, ?> exec(String type, String operation, String argument) throws IOException, InterruptedException {
        return post("""
                {"type": "exec", "mbean": "io.doorbell:type=%s", "operation": "%s", "arguments": [%s]}""".formatted(type, operation, argument));
    }

    private static Map<?, ?> value(Map<?, ?> answer) {
        assertThat(answer.get("status")).as(answer.toString()).isEqualTo(200);
        return (Map<?, ?>) answer.get("value");
    }

    private Map<?, ?> leases() throws IOException, InterruptedException {
        return (Map<?, ?>) read("/jolokia/read/io.doorbell:type=Leases/Leases").get("value");
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://evil.example", "http://127.0.0.1:1", "null"})
    void otherSitesAreKeptOutWithThePasswordToo(String origin) throws IOException, InterruptedException {
        var request =
                request("/jolokia/version", password).header("Origin", origin).build();

        var response = client.send(request, BodyHandlers.ofString());

        assertThat(response.statusCode()).isEqualTo(403);
        assertThat(response.headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
    }

    @Test
    void aPreflightOpensNothing() throws IOException, InterruptedException {
        var request = request("/jolokia", null)
                .method("OPTIONS", HttpRequest.BodyPublishers.noBody())
                .header("Origin", address)
                .header("Access-Control-Request-Method", "POST")
                .build();

        var response = client.send(request, BodyHandlers.ofString());

        assertThat(response.statusCode()).isEqualTo(401);
        assertThat(response.headers().map().keySet()).noneMatch(name -> name.startsWith("access-control"));
    }

    @Test
    void noOtherAddressOfThisMachineAnswers() throws IOException {
        try (var own = new Socket()) {
            own.connect(new InetSocketAddress("127.0.0.1", port), CONNECT_MILLIS);
        }
        var others = NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(other -> !other.getHostAddress().equals("127.0.0.1"))
                .toList();
        for (var other : others) {
            try (var socket = new Socket()) {
                assertThatThrownBy(() -> socket.connect(new InetSocketAddress(other, port), CONNECT_MILLIS))
                        .as(other.toString())
                        .isInstanceOf(ConnectException.class);
            }
        }
    }

    @Test
    void aTakenPortIsOneLineWithTheRemedyAndTheRemedyWorks() throws IOException, InterruptedException {
        var second = folder.resolve("second");
        var configuration = NodeProcess.managementAt(port, second);
        try (var other = NodeProcess.run(folder, second)) {
            other.awaitOutput("no management over HTTP: port ");
            assertThat(other.output())
                    .contains("no management over HTTP: port " + port + " of 127.0.0.1 cannot be had")
                    .contains("set port in config/io.doorbell.management.cfg")
                    .doesNotContain("management at")
                    .doesNotContain("\tat ");
            try (var status = NodeProcess.doorbell(folder, "status", "--home", second.toString())) {
                assertThat(status.exitCode(NodeProcess.START_BOUND)).isEqualTo(1);
                assertThat(status.output())
                        .contains(
                                "runs, but cannot be asked", "port " + port + " of 127.0.0.1 cannot be had", "has it");
            }

            Files.writeString(configuration, "port = 0\n");

            other.awaitOutput("management at http://127.0.0.1:");
            assertThat(other.output()).doesNotContain("\tat ");
            assertThat(second.resolve("var/management.problem")).doesNotExist();
        }
    }

    @Test
    void httpCanBeSwitchedOffAndOnWhileTheNodeRuns() throws IOException {
        var third = folder.resolve("third");
        var configuration = NodeProcess.managementAt(0, third);
        try (var other = NodeProcess.run(folder, third)) {
            other.awaitOutput("management at");
            var found = ADDRESS.matcher(other.output());
            assertThat(found.find()).isTrue();
            var otherPort = Integer.parseInt(found.group(2));

            Files.writeString(configuration, "http.enabled = false\n");
            await().atMost(BOUND)
                    .untilAsserted(() -> assertThatThrownBy(() -> new Socket("127.0.0.1", otherPort).close())
                            .isInstanceOf(ConnectException.class));

            Files.writeString(configuration, "port = " + otherPort + "\n");
            await().atMost(BOUND).ignoreExceptions().untilAsserted(() -> new Socket("127.0.0.1", otherPort).close());
            firstRequestsAtOnceAreAnswered(otherPort, third.resolve("var/management.password"));
            assertThat(other.output()).doesNotContain("ERROR i.d.m").doesNotContain("\tat ");
        }
    }

    /** A page that is opened asks for several things at once. */
    private void firstRequestsAtOnceAreAnswered(int otherPort, Path passwordFile) throws IOException {
        var login = "admin:" + Files.readString(passwordFile).strip();
        var request = HttpRequest.newBuilder(URI.create(
                        "http://127.0.0.1:" + otherPort + "/jolokia/read/io.doorbell:type=Leases/LeaseCount"))
                .header(
                        "Authorization",
                        "Basic " + Base64.getEncoder().encodeToString(login.getBytes(StandardCharsets.UTF_8)))
                .timeout(BOUND)
                .build();

        var wrong = new ArrayList<String>();
        await().atMost(BOUND).until(() -> {
            var answers =
                    IntStream.range(0, 16)
                            .mapToObj(_ -> client.sendAsync(request, BodyHandlers.ofString()))
                            .toList()
                            .stream()
                            .map(CompletableFuture::join)
                            .toList();
            answers.stream()
                    .filter(answer -> answer.statusCode() == 200)
                    .map(HttpResponse::body)
                    .filter(body -> !body.contains("\"status\":200"))
                    .forEach(wrong::add);
            // Jetty listens a moment before it knows what is served.
            return answers.stream().allMatch(answer -> answer.statusCode() == 200);
        });
        assertThat(wrong).isEmpty();
    }

    @Test
    void aPasswordFileThatOthersCanReadIsRefusedWithTheRemedy() throws IOException {
        var open = folder.resolve("open");
        NodeProcess.managementAt(0, open);
        Files.writeString(
                Files.createDirectories(open.resolve("var")).resolve("management.password"), "correct horse\n");
        Files.setPosixFilePermissions(
                open.resolve("var/management.password"), PosixFilePermissions.fromString("rw-r--r--"));

        try (var other = NodeProcess.run(folder, open)) {
            other.awaitOutput("no management over HTTP: others");
            assertThat(other.output())
                    .contains("no management over HTTP: others than its owner can use")
                    .contains("chmod 600 '" + open.resolve("var/management.password"))
                    .doesNotContain("management at")
                    .doesNotContain("correct horse");
        }
    }

    @Test
    void theNodeOfACommandListensNowhere() throws IOException {
        var before = listeningSockets();
        System.setProperty("doorbell.distribution", NodeProcess.distribution().toString());
        try (var embedded = EmbeddedNode.start()) {
            assertThat(listeningSockets()).isEqualTo(before);
            // And will not listen later: there is nobody who could.
            assertThat(embedded.node()
                            .await(
                                    "org.osgi.service.cm.ManagedService",
                                    "(service.pid=org.apache.felix.http)",
                                    Duration.ofMillis(1)))
                    .isEmpty();
        } finally {
            System.clearProperty("doorbell.distribution");
        }
    }

    /** Inodes of the TCP sockets that this process listens on. */
    private static Set<String> listeningSockets() throws IOException {
        var listening = new HashSet<String>();
        for (var table : new String[] {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
            Files.readAllLines(Path.of(table)).stream()
                    .map(line -> line.strip().split("\\s+"))
                    .filter(columns -> columns[3].equals("0A"))
                    .forEach(columns -> listening.add("socket:[" + columns[9] + "]"));
        }
        var own = new HashSet<String>();
        try (var descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (var descriptor : descriptors) {
                try {
                    own.add(Files.readSymbolicLink(descriptor).toString());
                } catch (NoSuchFileException closedMeanwhile) {
                    // A file that another thread of this JVM read.
                }
            }
        }
        own.retainAll(listening);
        return own;
    }
}
