package io.doorbell.resources.lease;

import java.util.Objects;

/**
 * Who holds, or wants to hold: a bundle. Policy goes by the symbolic name, so two versions of a bundle share one quota.
 *
 * @param bundleId unique in the framework's life
 */
public record Holder(long bundleId, String symbolicName, String version) {
    public Holder {
        Objects.requireNonNull(symbolicName, "symbolicName");
        Objects.requireNonNull(version, "version");
    }

    @Override
    public String toString() {
        return symbolicName + " " + version;
    }
}
