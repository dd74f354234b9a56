package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jolokia.client.JolokiaClient;
import org.jolokia.client.JolokiaClientBuilder;
import org.jolokia.client.JolokiaOperation;
import org.jolokia.client.exception.JolokiaRemoteException;
import org.jolokia.client.request.HttpMethod;
import org.jolokia.client.request.JolokiaExecRequest;
import org.jolokia.client.request.JolokiaRequest;
import org.jolokia.client.response.JolokiaResponse;
import org.jolokia.json.JSONObject;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Notifications over HTTP, by Jolokia's own client, of the assembled distribution. One node serves all tests. */
class NotificationIT {
    private static final Duration BOUND = Duration.ofSeconds(180);

    @TempDir
    private static Path folder;

    private static Path home;
    private static NodeProcess node;
    private static NodeOverHttp operator;
    private static String url;

    @BeforeAll
    static void start() throws IOException {
        home = folder.resolve("home");
        NodeProcess.listenersOf(home);
        node = NodeProcess.run(folder, home);
        node.awaitController();
        operator = NodeOverHttp.operator(node, home);
        url = Files.readString(home.resolve("var/management.url")).strip();
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    private static String password(String user) throws IOException {
        var file = user.equals("admin") ? "var/management.password" : "var/management.monitor.password";
        return Files.readString(home.resolve(file)).strip();
    }

    private static JolokiaClient client(String user) throws IOException {
        return new JolokiaClientBuilder()
                .url(URI.create(url + "/jolokia"))
                .user(user)
                .password(password(user))
                .build();
    }

    private static Object asked(JolokiaClient client, String command, Object... fields) throws Exception {
        return client.execute(new NotificationRequest(command, fields), HttpMethod.POST)
                .getValue();
    }

    /** Types of what the store has for a subscription now. */
    private static List<String> pulled(JolokiaClient client, String store, String id, String handle) throws Exception {
        Map<?, ?> result = client.execute(new JolokiaExecRequest(store, "pull", id, handle), HttpMethod.POST)
                .getValue();
        assertThat(result.get("handle")).isEqualTo(handle);
        return ((List<?>) result.get("notifications"))
                .stream().map(each -> (String) ((Map<?, ?>) each).get("type")).toList();
    }

    @Test
    void aMonitorHearsOfLeasesLinksRemovalsAndAlarms() throws Exception {
        try (var monitor = client("monitor")) {
            var registered = (Map<?, ?>) asked(monitor, "register");
            var id = (String) registered.get("id");
            var store = (String) ((Map<?, ?>) ((Map<?, ?>) registered.get("backend")).get("pull")).get("store");
            var leases = (String) asked(
                    monitor,
                    "add",
                    "client",
                    id,
                    "mode",
                    "pull",
                    "mbean",
                    "io.doorbell:type=Leases",
                    "handback",
                    "mine");
            var events =
                    (String) asked(monitor, "add", "client", id, "mode", "pull", "mbean", "io.doorbell:type=Events");
            var heard = Collections.synchronizedList(new ArrayList<String>());

            happen();

            await().atMost(BOUND).untilAsserted(() -> {
                heard.addAll(pulled(monitor, store, id, leases));
                heard.addAll(pulled(monitor, store, id, events));
                assertThat(heard)
                        .contains(
                                "io.doorbell.lease.granted",
                                "io.doorbell.lease.released",
                                "io.doorbell.event.lease.granted",
                                "io.doorbell.event.link.up",
                                "io.doorbell.event.link.down",
                                "io.doorbell.event.controller.removed",
                                "io.doorbell.event.alarm.raised");
            });
            assertThat((Map<?, ?>) asked(monitor, "list", "client", id)).hasSize(2);
            asked(monitor, "remove", "client", id, "handle", leases);
            asked(monitor, "unregister", "client", id);
            assertThatThrownBy(() -> pulled(monitor, store, id, events))
                    .isInstanceOf(JolokiaRemoteException.class)
                    .hasMessageContaining("there is no client '" + id);
        }
    }

    /** A lease, a link that comes and goes, a controller that goes, and a file that is refused. */
    private static void happen() throws IOException, InterruptedException {
        var run = (Map<?, ?>) operator.done("PerfRuns", "start", "-q 1 -o 4096 -w randread -d 10");
        await().atMost(BOUND)
                .untilAsserted(() -> assertThat(((Map<?, ?>) operator.read("PerfRuns", "Runs")
                                        .get(run.get("id").toString()))
                                .get("state"))
                        .isEqualTo("SUCCEEDED"));
        int port;
        try (var free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        operator.done("Listeners", "create", "tcp", "passing", "127.0.0.1", port);
        // The health check that tells of links looks every two seconds.
        await().atMost(BOUND)
                .untilAsserted(() -> assertThat((List<?>) operator.value("Events", "Events"))
                        .anySatisfy(event -> assertThat(
                                        ((Map<?, ?>) event).get("kind") + " " + ((Map<?, ?>) event).get("subject"))
                                .isEqualTo("link.up passing")));
        operator.done("Listeners", "remove", "passing");
        operator.done("Bundles", "drain", "io.doorbell.bundle-pcie");
        operator.done("Bundles", "start", "io.doorbell.bundle-pcie");
        Files.writeString(home.resolve("config/io.doorbell.fabrics.cfg"), "nothing.known = 1\n");
    }

    @Test
    void aStreamOfEventsHasThem() throws Exception {
        try (var monitor = client("monitor");
                var http = HttpClient.newBuilder().connectTimeout(BOUND).build()) {
            var id = (String) ((Map<?, ?>) asked(monitor, "register")).get("id");
            asked(
                    monitor,
                    "add",
                    "client",
                    id,
                    "mode",
                    "sse",
                    "mbean",
                    "io.doorbell:type=Events",
                    "filter",
                    List.of("io.doorbell.event.bundle."));
            var login = "monitor:" + password("monitor");
            var request = HttpRequest.newBuilder(URI.create(url + "/jolokia/notification/open/" + id + "/sse"))
                    .header(
                            "Authorization",
                            "Basic " + Base64.getEncoder().encodeToString(login.getBytes(StandardCharsets.UTF_8)))
                    .build();
            var response = http.send(request, BodyHandlers.ofLines());
            assertThat(response.statusCode()).isEqualTo(200);
            assertThat(response.headers().firstValue("Content-Type"))
                    .hasValueSatisfying(type -> assertThat(type).startsWith("text/event-stream"));
            var lines = Collections.synchronizedList(new ArrayList<String>());
            var reading = Thread.ofVirtual().start(() -> response.body().forEach(lines::add));

            operator.done("Bundles", "drain", "io.doorbell.bundle-admin");
            operator.done("Bundles", "start", "io.doorbell.bundle-admin");

            await().atMost(BOUND)
                    .untilAsserted(() -> assertThat(List.copyOf(lines))
                            .anySatisfy(line -> assertThat(line)
                                    .startsWith("data: {")
                                    .contains("io.doorbell.event.bundle.stopped", "io.doorbell.bundle-admin"))
                            .anySatisfy(line -> assertThat(line).contains("io.doorbell.event.bundle.started")));
            asked(monitor, "unregister", "client", id);
            assertThat(reading.join(BOUND))
                    .as("the stream ends with its client")
                    .isTrue();
        }
    }

    @Test
    void nothingElseIsOpenedByIt() throws Exception {
        try (var monitor = client("monitor")) {
            var id = (String) ((Map<?, ?>) asked(monitor, "register")).get("id");

            assertThatThrownBy(() -> asked(
                            monitor,
                            "add",
                            "client",
                            id,
                            "mode",
                            "pull",
                            "mbean",
                            "JMImplementation:type=MBeanServerDelegate"))
                    .hasMessageContaining("may be listened to");
            assertThatThrownBy(() ->
                            asked(monitor, "add", "client", id, "mode", "mail", "mbean", "io.doorbell:type=Events"))
                    .hasMessageContaining("mode mail is none of pull, sse");
            assertThatThrownBy(() -> asked(monitor, "ping", "client", "nobody"))
                    .hasMessageContaining("there is no client 'nobody'");
            assertThat(operator.nobody()
                            .post(Map.of("type", "notification", "command", "register"))
                            .statusCode())
                    .isEqualTo(401);
            asked(monitor, "unregister", "client", id);
        }
    }

    /** Jolokia's Java client has no class for these requests. */
    private static final class NotificationRequest extends JolokiaRequest {
        private final JSONObject json = new JSONObject();

        private NotificationRequest(String command, Object... fields) {
            super(JolokiaOperation.REGNOTIF, null);
            json.put("type", "notification");
            json.put("command", command);
            for (int i = 0; i < fields.length; i += 2) {
                json.put((String) fields[i], fields[i + 1]);
            }
        }

        @Override
        public List<String> getRequestParts() {
            return List.of();
        }

        @Override
        public JSONObject toJson() {
            return json;
        }

        @Override
        @SuppressWarnings("unchecked") // The caller names the type, as in all requests of this client.
        public <A extends JolokiaResponse<Q>, Q extends JolokiaRequest> A createResponse(JSONObject answer) {
            return (A) new NotificationAnswer(this, answer);
        }
    }

    private static final class NotificationAnswer extends JolokiaResponse<NotificationRequest> {
        private NotificationAnswer(NotificationRequest request, JSONObject answer) {
            super(request, answer);
        }
    }
}
