package io.doorbell.fabrics;

import io.doorbell.fabrics.auth.DhchapController;
import io.doorbell.fabrics.auth.DhchapOffer;
import io.doorbell.fabrics.auth.KeyFile;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.TlsKey;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;

/**
 * A host that has keys: with them it shows who it is, which its name alone does not. Keys are files, read when they are used, so that a file
 * that is replaced counts from then on; none of them stays in memory or in a configuration.
 *
 * @param nqn its name
 * @param subsystems where it has to show who it is; every NVM subsystem where none is named. The discovery subsystem is one to be named
 * @param key file of its DH-HMAC-CHAP key; null where its name suffices
 * @param controllerKey file of the key with which the controller shows who it is; null where hosts cannot ask
 * @param offer what DH-HMAC-CHAP may use
 * @param tlsKey file of its key for TLS; null where it has none, and reaches no listener that wants TLS
 */
public record FabricHost(
        String nqn, Set<String> subsystems, Path key, Path controllerKey, DhchapOffer offer, Path tlsKey) {
    public FabricHost {
        Nqn.check("host", nqn);
        subsystems = Set.copyOf(subsystems);
        subsystems.forEach(subsystem -> Nqn.check("subsystem of host " + nqn, subsystem));
        if (controllerKey != null && key == null) {
            throw new IllegalArgumentException("host " + nqn + " has a key of the controller, and none of its own");
        }
    }

    boolean authenticatesAt(String subsystemNqn) {
        boolean here = subsystems.isEmpty() ? !subsystemNqn.equals(Nqn.DISCOVERY) : subsystems.contains(subsystemNqn);
        return key != null && here;
    }

    /** Also with discovery, which is how it finds the rest. */
    boolean isSecuredAt(String subsystemNqn) {
        return tlsKey != null
                && (subsystems.isEmpty() || subsystems.contains(subsystemNqn) || subsystemNqn.equals(Nqn.DISCOVERY));
    }

    /**
     * Control path.
     *
     * @throws IOException that says which file is not as it has to be, and how to mend it
     */
    DhchapController.Keys keys() throws IOException {
        return new DhchapController.Keys(
                KeyFile.dhchap(key), controllerKey == null ? null : KeyFile.dhchap(controllerKey));
    }

    /** As {@link #keys}, of TLS. */
    TlsKey keyOfTls() throws IOException {
        return KeyFile.tls(tlsKey);
    }
}
