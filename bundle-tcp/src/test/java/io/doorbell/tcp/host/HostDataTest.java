package io.doorbell.tcp.host;

import io.doorbell.host.DataRounds;
import io.doorbell.nvme.DhchapHash;
import io.doorbell.tcp.Node;
import io.doorbell.tcp.Seed;
import io.doorbell.tcp.tls.TlsSession;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is written is read, whatever goes around the data. */
class HostDataTest {
    /** The first handshake of a JVM takes seconds on a busy machine, and no host waits so long. */
    @BeforeAll
    static void shakeHandsOnce() throws IOException {
        TlsSession.warmUp();
    }

    @ParameterizedTest(name = "header digest {0}, data digest {1}, {2} bytes in capsules")
    @CsvSource({"false,false,8192", "true,true,8192", "true,false,0", "false,true,4096"})
    void isReadAsItWasWritten(boolean headerDigest, boolean dataDigest, int inCapsuleBytes) {
        try (var node = new Node(Node.settings(0, inCapsuleBytes, 16, true));
                var rig = new HostRig(
                        node.target.address(),
                        Node.NQN,
                        HostRig.OPTIONS,
                        TcpHostSettings.DEFAULTS.withDigests(headerDigest, dataDigest))) {
            new DataRounds(rig.controller).run(Seed.random("host data"), 60);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DhchapHash.class,
            names = {"SHA_256", "SHA_384"})
    void isReadAsItWasWrittenOverTls(DhchapHash hash, @TempDir Path folder) throws IOException {
        var keys = TestKeys.in(folder, hash);
        try (var node = new Node(Node.secured())) {
            keys.addTo(node, true);
            try (var rig = new HostRig(
                    node.target.address(),
                    Node.NQN,
                    HostRig.OPTIONS.withKeys(keys.host("host", "controller", "tls")),
                    TcpHostSettings.DEFAULTS.withDigests(hash == DhchapHash.SHA_384, false))) {
                new DataRounds(rig.controller).run(Seed.random("host data over TLS"), 20);
            }
        }
    }
}
