package io.doorbell.rdmanic;

import io.doorbell.platform.RdmaCore;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What carries requests to RDMA devices and completions from them. */
public enum Engine {
    /** DiSNI where its library is, rdma-core where not. */
    AUTO,
    /** DiSNI's native calls; what it has not, by rdma-core. */
    DISNI,
    /** rdma-core alone, by Panama. */
    PANAMA;

    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

    /** @throws IllegalArgumentException that says what there is */
    static Engine named(String name) {
        for (var each : values()) {
            if (each.configured().equals(name)) {
                return each;
            }
        }
        throw new IllegalArgumentException("engine = " + name + ": auto, disni or panama");
    }

    private String configured() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Opens it.
     *
     * @throws IllegalStateException that says what is missing
     */
    DataPath open() {
        var problem = RdmaCore.problem();
        if (problem.isPresent()) {
            throw new IllegalStateException(problem.get());
        }
        if (this == PANAMA) {
            return new RdmaCorePath();
        }
        try {
            return DisniPath.load();
        } catch (LinkageError | IllegalStateException absent) {
            if (this == DISNI) {
                throw new IllegalStateException(
                        "engine = disni, and libdisni.so of DiSNI 2.1 cannot be used: " + absent.getMessage(), absent);
            }
            LOG.info("DiSNI is not used, rdma-core is: {}", absent.getMessage());
            return new RdmaCorePath();
        }
    }
}
