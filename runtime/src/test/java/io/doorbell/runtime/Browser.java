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
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.core.ConditionTimeoutException;

/**
 * Chromium without a screen, driven by its own driver. W3C WebDriver, https://www.w3.org/TR/webdriver2/. One thread. All that it keeps is in a
 * folder of the test, and it asks nobody but the page's node.
 */
final class Browser implements AutoCloseable {
    /** A browser starts in a second; not beside other tests on two processors. */
    private static final Duration BOUND = Duration.ofSeconds(90);

    /** To the end of the line: what is read may have been written in part. */
    private static final Pattern PORT = Pattern.compile("started successfully on port (\\d+)\\.\\s");

    /** Errors of WebDriver that say nothing of the page. */
    private static final Set<String> LOST = Set.of(
            "invalid session id",
            "session not created",
            "no such window",
            "timeout",
            "script timeout",
            "unknown error");

    /** Those of "unknown error" that do: the node does not answer. */
    private static final String OF_THE_NODE = "net::ERR_";

    /** Not what a busy machine may cause, as an answer that comes too late. */
    private static final Pattern COMPLAINT =
            Pattern.compile("Content Security Policy|Refused to|Uncaught|status of 4(?!01)\\d\\d");

    private static final Duration END_BOUND = Duration.ofSeconds(10);

    /** As WebDriver calls an element in JSON. */
    private static final String ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(BOUND).build();
    private final Process driver;
    private final String address;
    private String session;

    /** The browser, or its driver, has ended or does not answer: that says nothing of the page. */
    static final class Lost extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Lost(String why, Throwable cause) {
            super(why, cause);
        }
    }

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

    /**
     * @param folder for its profile, and what it says; a new one each time
     * @throws Lost when it does not start
     */
    static Browser open(Path folder) throws IOException {
        var said = folder.resolve("chromedriver.txt");
        var builder = new ProcessBuilder("/usr/bin/chromedriver", "--port=0")
                .redirectErrorStream(true)
                .redirectOutput(said.toFile());
        builder.environment().put("XDG_CONFIG_HOME", folder.toString());
        builder.environment().put("XDG_CACHE_HOME", folder.toString());
        var driver = builder.start();
        try {
            var browser = new Browser(driver, port(driver, said));
            browser.begin(folder.resolve("profile"));
            return browser;
        } catch (IOException | RuntimeException e) {
            end(driver);
            throw e;
        }
    }

    private static int port(Process driver, Path said) throws IOException {
        try {
            await().atMost(BOUND)
                    .until(() -> !driver.isAlive()
                            || PORT.matcher(Files.readString(said)).find());
        } catch (ConditionTimeoutException e) {
            throw new Lost("chromedriver does not start: " + Files.readString(said), e);
        }
        var found = PORT.matcher(Files.readString(said));
        if (!found.find()) {
            throw new Lost("chromedriver does not start: " + Files.readString(said), null);
        }
        return Integer.parseInt(found.group(1));
    }

    private void begin(Path profile) throws IOException {
        var arguments = new ArrayList<>(List.of(
                "--headless=new",
                "--disable-gpu",
                // A container has little of it.
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-proxy-server",
                "--window-size=1400,1000",
                "--user-data-dir=" + profile));
        if (System.getProperty("user.name").equals("root")) {
            // Chromium refuses to be root's otherwise.
            arguments.add("--no-sandbox");
        }
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

    /** With every request from now on. */
    void headers(Map<String, String> headers) throws IOException {
        devTools("Network.enable", Map.of());
        devTools("Network.setExtraHTTPHeaders", Map.of("headers", headers));
    }

    /** What the browser had to complain of since it was asked before: breaches of the policy, errors of scripts, files that are not there. */
    List<String> complaints() throws IOException {
        var log = (List<?>) call("POST", session + "/se/log", Map.of("type", "browser"));
        return log.stream()
                .map(entry -> String.valueOf(((Map<?, ?>) entry).get("message")))
                .filter(message -> COMPLAINT.matcher(message).find())
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
            var value = JSON.std.mapFrom(response.body()).get("value");
            if (response.statusCode() != 200) {
                throw error(path, (Map<?, ?>) value);
            }
            return value;
        } catch (IOException e) {
            throw new Lost(path + ": " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static AssertionError error(String path, Map<?, ?> said) {
        var message = path + ": " + said.get("error") + ": " + said.get("message");
        if (message.contains("crashed") || LOST.contains(said.get("error")) && !message.contains(OF_THE_NODE)) {
            throw new Lost(message, null);
        }
        return new AssertionError(message);
    }

    @Override
    public void close() {
        try {
            if (session != null) {
                call("DELETE", session, Map.of());
            }
        } catch (IOException | AssertionError | Lost e) {
            // It goes with its driver.
        } finally {
            end(driver);
            client.shutdownNow();
        }
    }

    private static void end(Process driver) {
        var all = Stream.concat(driver.descendants(), Stream.of(driver.toHandle()))
                .toList();
        all.forEach(ProcessHandle::destroyForcibly);
        var ended = all.stream().map(ProcessHandle::onExit).toArray(CompletableFuture[]::new);
        CompletableFuture.allOf(ended)
                .completeOnTimeout(null, END_BOUND.toMillis(), TimeUnit.MILLISECONDS)
                .join();
    }
}
