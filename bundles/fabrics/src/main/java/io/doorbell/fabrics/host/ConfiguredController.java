package io.doorbell.fabrics.host;

import io.doorbell.driver.ControllerKeeper;
import io.doorbell.driver.ControllerServices;
import io.doorbell.nvme.TransportId;
import java.time.Duration;
import java.util.function.Supplier;
import org.osgi.framework.BundleContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The controller that a configuration of an initiator names: opened sooner or later, and published while it is reached. Any thread. */
public final class ConfiguredController implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ConfiguredController.class);

    private static final Duration FIRST_DELAY = Duration.ofMillis(100);

    private final ControllerKeeper keeper;

    /**
     * Begins at once.
     *
     * @param transports makes one for each attempt, or throws
     */
    public ConfiguredController(
            BundleContext context, TransportId id, FabricHostOptions options, Supplier<HostTransport> transports) {
        LOG.debug("{} is to be reached as {}", id, options.hostNqn());
        var delay = options.reconnectDelay();
        keeper = new ControllerKeeper(
                id.toString(),
                () -> FabricController.open(transports.get(), id, options, this::lost),
                opened -> ControllerServices.publish(context, opened),
                new ControllerKeeper.Patience(delay.compareTo(FIRST_DELAY) < 0 ? delay : FIRST_DELAY, delay, 0, true));
    }

    /** Which controller is meant by the words of a configuration. */
    public static TransportId id(TransportId.Type type, String trid) {
        var id = TransportId.parse(trid).withoutNamespace();
        if (id.trtype() != type || id.subnqn().isEmpty()) {
            throw new IllegalArgumentException("trid = " + trid + ": trtype:" + type
                    + " traddr:ADDRESS trsvcid:PORT subnqn:NAME is needed; ./doorbell discover tells names");
        }
        return id;
    }

    /** The controller is of no use any more: another one is opened as soon as that can be. Returns at once. */
    public void lost() {
        keeper.lost();
    }

    @Override
    public void close() {
        keeper.close();
    }
}
