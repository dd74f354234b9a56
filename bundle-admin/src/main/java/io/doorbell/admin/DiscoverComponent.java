package io.doorbell.admin;

import io.doorbell.host.Discoverer;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.spi.ToolProvider;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/** {@link Discover} in a container. Nothing to configure. */
@Component(service = ToolProvider.class, property = AdminComponent.COMMAND_PROPERTY + "=discover")
public final class DiscoverComponent implements ToolProvider {
    private final List<Discoverer> discoverers = new CopyOnWriteArrayList<>();
    private final Discover discover = new Discover(() -> List.copyOf(discoverers));

    @Activate
    public DiscoverComponent() {}

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addDiscoverer(Discoverer discoverer) {
        discoverers.add(discoverer);
    }

    void removeDiscoverer(Discoverer discoverer) {
        discoverers.remove(discoverer);
    }

    @Override
    public String name() {
        return discover.name();
    }

    @Override
    public int run(PrintWriter out, PrintWriter err, String... args) {
        return discover.run(out, err, args);
    }
}
