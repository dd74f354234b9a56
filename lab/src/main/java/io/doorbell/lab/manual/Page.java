package io.doorbell.lab.manual;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** The page of a node, asked for as a browser does, and what it asks the node for. */
public final class Page {
    private static final Duration BOUND = Duration.ofSeconds(90);
    private static final long LOOK_MILLIS = 200;
    private static final String HOST = "nqn.2014-08.org.nvmexpress:uuid:";
    private static final String NAMESPACE = "nqn.2026-11.io.doorbell:nvme0/1";

    private final String address;
    private final String authorization;

    public Page(Path home) throws IOException {
        address = Files.readString(home.resolve("var/management.url")).strip();
        var password = Files.readString(home.resolve("var/management.password")).strip();
        authorization =
                "Basic " + Base64.getEncoder().encodeToString(("admin:" + password).getBytes(StandardCharsets.UTF_8));
    }

    /** It is there, and shows a host that is connected, its namespace, and writes, also as I/O of the last hour. */
    public void awaitWritesOfAHost() throws IOException, InterruptedException {
        try (var client = HttpClient.newHttpClient()) {
            assertThat(get(client, "/")).contains("<title>Doorbell</title>", "/page/page.js");
            assertThat(get(client, "/page/page.js")).contains("Namespaces", "Hosts", "History");
            long deadline = System.nanoTime() + BOUND.toNanos();
            var missing = missing(client);
            while (!missing.isEmpty()) {
                assertThat(System.nanoTime() - deadline).as("shown: " + missing).isNegative();
                Thread.sleep(LOOK_MILLIS);
                missing = missing(client);
            }
        }
    }

    /** What is not to be seen yet, or nothing. */
    private String missing(HttpClient client) throws IOException, InterruptedException {
        var hosts = (Map<?, ?>) read(client, "Hosts/Hosts");
        var host = hosts.entrySet().stream()
                .filter(each -> each.getKey().toString().startsWith(HOST))
                .map(each -> (Map<?, ?>) each.getValue())
                .filter(each -> number(each, "connections") > 0 && number(each, "writeCommands") > 0)
                .findFirst();
        var namespace = (Map<?, ?>) ((Map<?, ?>) read(client, "Namespaces/Namespaces")).get(NAMESPACE);
        var samples = (List<?>) read(client, "History/Samples");
        boolean charted = samples.stream().anyMatch(sample -> number((Map<?, ?>) sample, "writeIops") > 0);
        if (host.isEmpty()) {
            return "a host that writes, of " + hosts;
        }
        if (number(namespace, "writtenBytes") < number(host.get(), "writtenBytes")) {
            return "all that the host wrote in its namespace: " + namespace + ", " + host.get();
        }
        return charted ? "" : "writes in the last hour: " + samples;
    }

    private static double number(Map<?, ?> row, String key) {
        return ((Number) row.get(key)).doubleValue();
    }

    private Object read(HttpClient client, String what) throws IOException, InterruptedException {
        var answer = JSON.std.mapFrom(get(client, "/jolokia/read/io.doorbell:type=" + what));
        assertThat(answer).containsEntry("status", 200);
        return answer.get("value");
    }

    private String get(HttpClient client, String path) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(address + path))
                .timeout(BOUND)
                .header("Authorization", authorization)
                .build();
        var response = client.send(request, BodyHandlers.ofString());
        assertThat(response.statusCode()).as(path + ": " + response.body()).isEqualTo(200);
        return response.body();
    }
}
