package io.doorbell.management.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.platform.PrivateFile;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsKeyTest {
    private static final String PASSWORD = "correct horse";

    @TempDir
    private Path folder;

    private Path keystore;
    private Path passwordFile;

    @BeforeEach
    void names() throws IOException {
        keystore = folder.resolve("key.p12");
        passwordFile = folder.resolve("password");
        PrivateFile.create(passwordFile, PASSWORD);
    }

    private void make(String alias, String... more) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/keytool").toString(),
                "-genkeypair",
                "-alias",
                alias,
                "-keyalg",
                "EC",
                "-dname",
                "CN=nas1",
                "-storepass",
                PASSWORD,
                "-keystore",
                keystore.toString()));
        command.addAll(List.of(more));
        var keytool = new ProcessBuilder(command).inheritIO().start();
        assertThat(keytool.waitFor()).isZero();
    }

    private void refused(String... parts) {
        assertThatThrownBy(() -> TlsKey.read(keystore, passwordFile))
                .isInstanceOf(PrivateFile.Refused.class)
                .satisfies(refused -> assertThat(refused.getMessage())
                        .contains(parts)
                        .doesNotContain(PASSWORD)
                        .doesNotContain("wrong horse"));
    }

    @Test
    void theCertificateSaysWhoTheNodeIs() throws Exception {
        make("doorbell", "-ext", "SAN=dns:NAS1.example.com,dns:*.lab.example.com,ip:192.0.2.10,ip:::1");

        var key = TlsKey.read(keystore, passwordFile);

        assertThat(List.of("nas1.example.com", "Nas1.Example.Com", "a.lab.example.com", "192.0.2.10", "[::1]"))
                .allMatch(key::covers);
        assertThat(List.of(
                        "example.com", "lab.example.com", "a.b.lab.example.com", "192.0.2.1", "[::2]", "[:::]", "::1"))
                .noneMatch(key::covers);
        assertThat(key.localHost(InetAddress.ofLiteral("192.0.2.10"))).isEqualTo("192.0.2.10");
        assertThat(key.localHost(InetAddress.ofLiteral("0.0.0.0"))).isEqualTo("nas1.example.com");
        assertThat(key.fingerprint()).matches("[0-9a-f]{64}");
        assertThat(key.toString()).doesNotContain(PASSWORD);
    }

    @Test
    void aPageOfThatNameIsItsOwnAndOneByHttpIsNot() throws Exception {
        make("doorbell", "-ext", "SAN=dns:nas1.example.com");
        var site = new Site(InetAddress.ofLiteral("0.0.0.0"), 8181, TlsKey.read(keystore, passwordFile));
        var login = new Gate.Login("admin", "pass");
        var gate = new Gate(site, login, new Gate.Login("monitor", "other"));

        assertThat(gate.judge("nas1.example.com:8181", "https://nas1.example.com:8181", "same-origin", null, "a", 0))
                .isEqualTo(Gate.Verdict.UNKNOWN);
        assertThat(gate.judge("nas1.example.com:8181", "http://nas1.example.com:8181", null, null, "a", 0))
                .isEqualTo(Gate.Verdict.FOREIGN);
        assertThat(gate.judge("evil.example:8181", null, null, null, "a", 0)).isEqualTo(Gate.Verdict.FOREIGN);
        assertThat(site.url()).isEqualTo("https://nas1.example.com:8181");
    }

    @Test
    void whatDoesNotServeIsRefusedWithTheRemedy() throws Exception {
        refused("there is no keystore " + keystore, "keytool -genkeypair");

        make("doorbell");
        refused("names nothing", "SAN=dns:NAME");

        make("second", "-ext", "SAN=ip:127.0.0.1");
        refused("has 2 keys");

        Files.writeString(passwordFile, "wrong horse\n");
        refused("cannot be opened with the password in " + passwordFile);

        Files.setPosixFilePermissions(passwordFile, PosixFilePermissions.fromString("rw-r-----"));
        refused("chmod 600 '" + passwordFile);

        Files.delete(passwordFile);
        refused("there is no file " + passwordFile);
    }
}
