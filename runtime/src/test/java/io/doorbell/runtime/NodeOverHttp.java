package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** A running node as one of its users sees it over HTTP. */
final class NodeOverHttp {
    private static final Duration BOUND = Duration.ofSeconds(180);
    private static final Pattern ADDRESS = Pattern.compile("management at (http://127\\.0\\.0\\.1:\\d+)/jolokia");

    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(BOUND).build();
    private final String address;
    private final String authorization;

    private NodeOverHttp(String address, String authorization) {
        this.address = address;
        this.authorization = authorization;
    }

    static NodeOverHttp operator(NodeProcess node, Path home) throws IOException {
        return of(node, "admin", home.resolve("var/management.password"));
    }

    static NodeOverHttp monitor(NodeProcess node, Path home) throws IOException {
        return of(node, "monitor", home.resolve("var/management.monitor.password"));
    }

    private static NodeOverHttp of(NodeProcess node, String user, Path passwordFile) throws IOException {
        node.awaitOutput("management at");
        var found = ADDRESS.matcher(node.output());
        assertThat(found.find()).isTrue();
        var credentials = user + ":" + Files.readString(passwordFile).strip();
        return new NodeOverHttp(
                found.group(1),
                "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8)));
    }

    NodeOverHttp nobody() {
        return new NodeOverHttp(address, null);
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return client.send(request(path).build(), BodyHandlers.ofString());
    }

    private HttpRequest.Builder request(String path) {
        var request = HttpRequest.newBuilder(URI.create(address + path)).timeout(BOUND);
        return authorization == null ? request : request.header("Authorization", authorization);
    }

    HttpResponse<String> post(Object document) throws IOException, InterruptedException {
        var request = request("/jolokia")
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(JSON.std.asString(document)))
                .build();
        return client.send(request, BodyHandlers.ofString());
    }

    /** Jolokia's whole answer. */
    Map<String, Object> answer(Object document) throws IOException, InterruptedException {
        var response = post(document);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.std.mapFrom(response.body());
    }

    Map<?, ?> read(String type, String attribute) throws IOException, InterruptedException {
        return (Map<?, ?>) value(type, attribute);
    }

    Object value(String type, String attribute) throws IOException, InterruptedException {
        var answer = answer(Map.of("type", "read", "mbean", "io.doorbell:type=" + type, "attribute", attribute));
        assertThat(answer.get("status")).as(answer.toString()).isEqualTo(200);
        return answer.get("value");
    }

    Map<String, Object> exec(String type, String operation, Object... arguments)
            throws IOException, InterruptedException {
        var document = new LinkedHashMap<String, Object>();
        document.put("type", "exec");
        document.put("mbean", "io.doorbell:type=" + type);
        document.put("operation", operation);
        document.put("arguments", List.of(arguments));
        return answer(document);
    }

    /** As above, and it has to succeed. */
    Object done(String type, String operation, Object... arguments) throws IOException, InterruptedException {
        var answer = exec(type, operation, arguments);
        assertThat(answer.get("status")).as(answer.toString()).isEqualTo(200);
        return answer.get("value");
    }
}
