package io.doorbell.fabrics;

import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.nvme.Nqn;
import java.util.Set;

/**
 * A host that has keys: with them it shows who it is, which its name alone does not.
 *
 * @param nqn its name
 * @param subsystems where it has to show who it is; every NVM subsystem where none is named. The discovery subsystem is one to be named
 */
public record FabricHost(String nqn, Set<String> subsystems, HostKeys keys) {
    public FabricHost {
        Nqn.check("host", nqn);
        subsystems = Set.copyOf(subsystems);
        subsystems.forEach(subsystem -> Nqn.check("subsystem of host " + nqn, subsystem));
    }

    boolean authenticatesAt(String subsystemNqn) {
        boolean here = subsystems.isEmpty() ? !subsystemNqn.equals(Nqn.DISCOVERY) : subsystems.contains(subsystemNqn);
        return keys.key() != null && here;
    }

    /** Also with discovery, which is how it finds the rest. */
    boolean isSecuredAt(String subsystemNqn) {
        return keys.tlsKey() != null
                && (subsystems.isEmpty() || subsystems.contains(subsystemNqn) || subsystemNqn.equals(Nqn.DISCOVERY));
    }
}
