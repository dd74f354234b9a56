package io.doorbell.runtime;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Chromium without a screen, driven by its own driver. W3C WebDriver, https://www.w3.org/TR/webdriver2/. One thread. */
final class Browser implements AutoCloseable {
    /** A browser starts in a second; not beside other tests on two processors. */
    private static final Duration BOUND = Duration.ofSeconds(90);

    /** As WebDriver calls an element in JSON. */
    private static final String ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(BOUND).build();
    private final Process driver;
    private final String address;
    private String session;

    private Browser(Process driver, int port) {
        this.driver = driver;
        this.address = "http://127.0.0.1:" + port;
    }

    /** Whether this machine has one: Debian's packages chromium and chromium-driver. */
    static boolean isInstalled() {
        return Stream.of("/usr/bin/chromium", "/usr/bin/chromedriver")
                .map(Path::of)
                .allMatch(Files::isExecutable);
    }

    /** @param folder for its profile, and what it says */
    static Browser open(Path folder) throws IOException {
        var said = folder.resolve("chromedriver.txt");
        var driver = new ProcessBuilder("/usr/bin/chromedriver", "--port=0")
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        var port = new int[1];
        await().atMost(BOUND).until(() -> {
            var found = Pattern.compile("started successfully on port (\\d+)").matcher(Files.readString(said));
            if (found.find()) {
                port[0] = Integer.parseInt(found.group(1));
            }
            return port[0] != 0;
        });
        var browser = new Browser(driver, port[0]);
        try {
            browser.begin(folder.resolve("profile"));
            return browser;
        } catch (IOException | RuntimeException e) {
            browser.close();
            throw e;
        }
    }

    private void begin(Path profile) throws IOException {
        var arguments = List.of(
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--window-size=1400,1000",
                "--user-data-dir=" + profile);
        var options = Map.of("args", arguments, "binary", "/usr/bin/chromium");
        var wanted = Map.of(
                "browserName", "chrome", "goog:chromeOptions", options, "goog:loggingPrefs", Map.of("browser", "ALL"));
        var answer = (Map<?, ?>) call("POST", "/session", Map.of("capabilities", Map.of("alwaysMatch", wanted)));
        session = "/session/" + answer.get("sessionId");
    }

    void go(String url) throws IOException {
        call("POST", session + "/url", Map.of("url", url));
    }

    /** The value of a function's body. */
    Object run(String script, Object... arguments) throws IOException {
        return call("POST", session + "/execute/sync", Map.of("script", script, "args", List.of(arguments)));
    }

    String text(String id) throws IOException {
        return String.valueOf(run("return document.getElementById(arguments[0]).textContent", id));
    }

    /** Keys by their codes in WebDriver, or characters. */
    void press(String... keys) throws IOException {
        var actions = new ArrayList<Map<String, String>>();
        for (var key : keys) {
            actions.add(Map.of("type", "keyDown", "value", key));
            actions.add(Map.of("type", "keyUp", "value", key));
        }
        call(
                "POST",
                session + "/actions",
                Map.of("actions", List.of(Map.of("type", "key", "id", "keyboard", "actions", actions))));
    }

    /** Chooses a file, as its user would. */
    void choose(String css, Path file) throws IOException {
        var found = (Map<?, ?>) call("POST", session + "/element", Map.of("using", "css selector", "value", css));
        call("POST", session + "/element/" + found.get(ELEMENT) + "/value", Map.of("text", file.toString()));
    }

    /** A screen of this width, in CSS pixels, that likes it dark or light. */
    void screen(int width, boolean dark) throws IOException {
        devTools(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", 900, "deviceScaleFactor", 1, "mobile", width < 600));
        devTools(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
    }

    /** What the browser had to complain of: breaches of the policy, errors of scripts, files that are not there. */
    List<String> complaints() throws IOException {
        var log = (List<?>) call("POST", session + "/se/log", Map.of("type", "browser"));
        return log.stream()
                .map(entry -> (Map<?, ?>) entry)
                .filter(entry -> "SEVERE".equals(entry.get("level")) || "WARNING".equals(entry.get("level")))
                .map(entry -> String.valueOf(entry.get("message")))
                .toList();
    }

    /** The whole page, for a person to look at. */
    void photograph(Path png) throws IOException {
        var answer = (Map<?, ?>) devTools("Page.captureScreenshot", Map.of("captureBeyondViewport", true));
        Files.createDirectories(png.getParent());
        Files.write(png, Base64.getDecoder().decode((String) answer.get("data")));
    }

    private Object devTools(String command, Map<String, ?> parameters) throws IOException {
        return call("POST", session + "/goog/cdp/execute", Map.of("cmd", command, "params", parameters));
    }

    private Object call(String method, String path, Map<String, ?> body) throws IOException {
        var request = HttpRequest.newBuilder(URI.create(address + path))
                .timeout(BOUND)
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(JSON.std.asString(body)))
                .build();
        try {
            var response = client.send(request, BodyHandlers.ofString());
            if (response.statusCode() != 200) {
                throw new AssertionError(path + ": " + response.body());
            }
            return JSON.std.mapFrom(response.body()).get("value");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        try {
            if (session != null) {
                call("DELETE", session, Map.of());
            }
        } catch (IOException | AssertionError e) {
            // It goes with its driver.
        } finally {
            driver.descendants().forEach(ProcessHandle::destroyForcibly);
            driver.destroyForcibly();
            client.close();
        }
    }
}
