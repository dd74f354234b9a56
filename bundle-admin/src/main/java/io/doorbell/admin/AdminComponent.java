package io.doorbell.admin;

import io.doorbell.lease.ResourceManager;
import java.io.PrintWriter;
import java.util.spi.ToolProvider;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** {@link Identify} in a container. Nothing to configure. */
@Component(service = ToolProvider.class, property = AdminComponent.COMMAND_PROPERTY + "=identify")
public final class AdminComponent implements ToolProvider {
    /** By this the command line finds a command. */
    static final String COMMAND_PROPERTY = "doorbell.command";

    private final Identify identify;

    @Activate
    public AdminComponent(@Reference ResourceManager resourceManager) {
        identify = new Identify(resourceManager::controllers);
    }

    @Override
    public String name() {
        return identify.name();
    }

    @Override
    public int run(PrintWriter out, PrintWriter err, String... args) {
        return identify.run(out, err, args);
    }
}
