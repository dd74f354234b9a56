package io.doorbell.tcp.host;

import io.doorbell.fabrics.FabricHost;
import io.doorbell.fabrics.auth.DhchapOffer;
import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.nvme.DhchapHash;
import io.doorbell.nvme.DhchapKey;
import io.doorbell.nvme.TlsKey;
import io.doorbell.platform.PrivateFile;
import io.doorbell.tcp.Node;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Set;

/** Keys in a folder, which a host and a target have both. */
record TestKeys(Path folder) {
    private static final SecureRandom RANDOM = new SecureRandom();

    /** New ones. */
    static TestKeys in(Path folder, DhchapHash tls) throws IOException {
        var keys = new TestKeys(folder);
        for (var name : new String[] {"host", "controller", "other"}) {
            PrivateFile.create(
                    folder.resolve(name),
                    DhchapKey.generate(DhchapHash.SHA_256, 32, RANDOM).text());
        }
        PrivateFile.create(folder.resolve("tls"), TlsKey.generate(tls, RANDOM).text());
        PrivateFile.create(
                folder.resolve("otherTls"), TlsKey.generate(tls, RANDOM).text());
        return keys;
    }

    Path file(String name) {
        return name == null ? null : folder.resolve(name);
    }

    /** What the host has: names of files, or null. */
    HostKeys host(String key, String controller, String tls) {
        return new HostKeys(file(key), file(controller), DhchapOffer.DEFAULT, file(tls));
    }

    /** The target knows the host by these from now on. */
    void addTo(Node node, boolean authenticates) {
        var known = authenticates ? host("host", "controller", "tls") : host(null, null, "tls");
        node.fabrics.add(new FabricHost(HostRig.OPTIONS.hostNqn(), Set.of(Node.NQN), known));
    }
}
