package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.platform.PrivateFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Management over HTTPS, at an address that is not loopback's alone, of the assembled distribution. One node serves all tests. */
class TlsIT {
    private static final Duration BOUND = Duration.ofSeconds(180);
    private static final String KEYSTORE_PASSWORD = "kept to itself";

    @TempDir
    private static Path folder;

    private static Path home;
    private static NodeProcess node;
    private static URI url;
    private static String fingerprint;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        home = folder.resolve("home");
        NodeProcess.listenersOf(home);
        Files.createDirectories(home.resolve("var"));
        PrivateFile.create(home.resolve("var/management.keystore.password"), KEYSTORE_PASSWORD);
        var keytool = List.of(
                Path.of(System.getProperty("java.home"), "bin/keytool").toString(),
                "-genkeypair",
                "-alias",
                "doorbell",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=dns:localhost,ip:127.0.0.1",
                "-storepass",
                KEYSTORE_PASSWORD,
                "-keystore",
                home.resolve("var/management.p12").toString());
        assertThat(new ProcessBuilder(keytool).inheritIO().start().waitFor()).isZero();
        Files.writeString(
                home.resolve("config/io.doorbell.management.cfg"),
                "address = 0.0.0.0\nport = 0\ntls.keystore = var/management.p12\n");
        node = NodeProcess.run(folder, home);
        node.awaitOutput("management at https://127.0.0.1:");
        node.awaitOutput("its certificate has the SHA-256");
        var lines = Files.readAllLines(home.resolve("var/management.url"));
        url = URI.create(lines.get(0));
        fingerprint = lines.get(1);
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    private int run(String... command) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), command);
    }

    private static Path passwordFile() {
        return home.resolve("var/management.password");
    }

    /** A client that trusts the certificate as it trusts an authority, and looks at the names in it. */
    private static HttpClient client() throws Exception {
        var store = KeyStore.getInstance(home.resolve("var/management.p12").toFile(), KEYSTORE_PASSWORD.toCharArray());
        var trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        trusted.setCertificateEntry("doorbell", store.getCertificate("doorbell"));
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        var context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return HttpClient.newBuilder().sslContext(context).connectTimeout(BOUND).build();
    }

    private static HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(url.resolve(path)).timeout(BOUND);
    }

    @Test
    void aClientThatTrustsTheCertificateIsServedAndAskedForThePassword() throws Exception {
        var login = "admin:" + Files.readString(passwordFile()).strip();
        var basic = "Basic " + Base64.getEncoder().encodeToString(login.getBytes(StandardCharsets.UTF_8));
        try (var client = client()) {
            var without = client.send(request("/jolokia/version").build(), BodyHandlers.ofString());
            var with = client.send(
                    request("/jolokia/version").header("Authorization", basic).build(), BodyHandlers.ofString());
            var foreign = client.send(
                    request("/jolokia/version")
                            .header("Authorization", basic)
                            .header("Origin", "http://127.0.0.1:" + url.getPort())
                            .build(),
                    BodyHandlers.ofString());

            assertThat(without.statusCode()).isEqualTo(401);
            assertThat(with.statusCode()).as(with.body()).isEqualTo(200);
            assertThat(with.sslSession().orElseThrow().getProtocol()).isEqualTo("TLSv1.3");
            assertThat(foreign.statusCode()).isEqualTo(403);
        }
    }

    @Test
    void nobodyIsServedByHttpOrWithoutTrust() throws Exception {
        try (var stranger = HttpClient.newBuilder().connectTimeout(BOUND).build()) {
            assertThatThrownBy(() -> stranger.send(request("/health").build(), BodyHandlers.ofString()))
                    .isInstanceOf(SSLHandshakeException.class);
            var plain = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + url.getPort() + "/health"))
                    .timeout(BOUND)
                    .build();
            assertThatThrownBy(() -> stranger.send(plain, BodyHandlers.ofString()))
                    .isInstanceOf(IOException.class);
        }
    }

    @Test
    void commandsKnowTheNodeByItsHome() {
        assertThat(run("bundles", "--home", home.toString())).as(err.toString()).isZero();
        assertThat(out.toString()).contains("io.doorbell.bundle-tcp");
    }

    @Test
    void commandsAskANodeByItsAddressAndFingerprintAndNoOther() {
        String[] named = {
            "bundles",
            "--url",
            url.toString(),
            "--password-file",
            passwordFile().toString()
        };
        var other = fingerprint.replaceFirst("^.", fingerprint.startsWith("0") ? "1" : "0");

        assertThat(run(with(named, "--fingerprint", fingerprint)))
                .as(err.toString())
                .isZero();
        assertThat(out.toString()).contains("io.doorbell.bundle-tcp");

        assertThat(run(with(named, "--fingerprint", other))).isEqualTo(1);
        assertThat(err.toString())
                .contains("a certificate with the SHA-256 " + fingerprint)
                .hasLineCount(1);

        assertThat(run(named)).as("nobody signed it").isEqualTo(1);
        assertThat(err.toString()).contains(url.toString()).hasLineCount(1);

        assertThat(run(with(named, "--fingerprint", "12"))).isEqualTo(1);
        assertThat(err.toString()).contains("64 hexadecimal digits");

        named[2] = "http://192.0.2.1:8181";
        assertThat(run(named)).isEqualTo(1);
        assertThat(err.toString()).contains("over HTTP everybody on the way reads the password");
    }

    private static String[] with(String[] command, String option, String value) {
        var words = new String[command.length + 2];
        System.arraycopy(command, 0, words, 0, command.length);
        words[command.length] = option;
        words[command.length + 1] = value;
        return words;
    }

    @Test
    void thePasswordOfTheKeystoreIsInItsFileAlone() throws IOException {
        assertThat(node.output()).doesNotContain(KEYSTORE_PASSWORD);
        // The node goes on: what it takes away meanwhile has told nobody.
        Files.walkFileTree(home, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (attributes.isRegularFile() && !file.equals(home.resolve("var/management.keystore.password"))) {
                    try {
                        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1))
                                .as(file.toString())
                                .doesNotContain(KEYSTORE_PASSWORD);
                    } catch (NoSuchFileException gone) {
                        return FileVisitResult.CONTINUE;
                    }
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failed) throws IOException {
                if (failed instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw failed;
            }
        });
    }

    @Test
    void anAddressForOthersIsRefusedWithoutTls() throws IOException {
        var open = folder.resolve("open");
        NodeProcess.listenersOf(open);
        Files.writeString(open.resolve("config/io.doorbell.management.cfg"), "address = 0.0.0.0\nport = 0\n");

        try (var other = NodeProcess.run(folder, open)) {
            other.awaitOutput("no management over HTTP: address = 0.0.0.0");
            assertThat(other.output())
                    .contains("no management over HTTP: address = 0.0.0.0", "Set tls.keystore")
                    .doesNotContain("management at")
                    .doesNotContain("\tat ");
        }
    }
}
