package io.doorbell.management;

import io.doorbell.reactor.Reactors;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.Map;
import org.apache.felix.hc.api.HealthCheck;
import org.apache.felix.hc.api.execution.HealthCheckExecutionOptions;
import org.apache.felix.hc.api.execution.HealthCheckExecutor;
import org.apache.felix.hc.api.execution.HealthCheckSelector;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the node looked at every few seconds: the checks are services, so that a plug-in can add its own with the tag {@code live} or
 * {@code ready}, and Felix's executor runs them, with a bound for each.
 */
@Component(service = HealthManagement.class)
public final class HealthManagement {
    private static final Logger LOG = LoggerFactory.getLogger(HealthManagement.class);

    private static final Duration INTERVAL = Duration.ofSeconds(2);

    private final Deque<AutoCloseable> undo = new ArrayDeque<>();
    private final NodeChecks.StandStill standStill = new NodeChecks.StandStill();
    private final TargetServices services;
    private final ManagedEvents events;
    private final ManagedHealth health;
    private final Map<String, Boolean> listening = new HashMap<>();

    @Activate
    public HealthManagement(
            BundleContext context,
            @Reference NodeManagement node,
            @Reference TargetManagement target,
            @Reference ControllerManagement controllers,
            @Reference Reactors reactors,
            @Reference HealthCheckExecutor executor) {
        services = target.services();
        events = node.events();
        register(context, "reactors", NodeChecks.reactors(reactors), NodeChecks.LIVE, NodeChecks.READY);
        register(context, "threads", NodeChecks.threads(), NodeChecks.LIVE);
        register(context, "memory", NodeChecks.memory(node.node()), NodeChecks.READY);
        register(context, "leases", NodeChecks.leases(services), NodeChecks.READY);
        register(
                context,
                "controllers",
                NodeChecks.controllers(controllers::controllers, controllers::lost),
                NodeChecks.READY);
        register(context, "listeners", NodeChecks.listeners(services), NodeChecks.READY);
        register(context, "keep-alive-clock", standStill.check(), NodeChecks.READY);
        register(context, "configuration", NodeChecks.configuration(services.files), NodeChecks.READY);
        register(context, "bundles", NodeChecks.bundles(context), NodeChecks.READY);
        var all = HealthCheckSelector.tags(NodeChecks.LIVE, NodeChecks.READY);
        var anyOf = new HealthCheckExecutionOptions().setCombineTagsWithOr(true);
        health = new ManagedHealth(
                () -> executor.execute(all, anyOf), events, ManagementFactory.getPlatformMBeanServer());
        undo.push(health);
        var looking = Thread.ofVirtual().name("health").start(this::look);
        undo.push(looking::interrupt);
    }

    private void register(BundleContext context, String name, HealthCheck check, String... tags) {
        var properties = new Hashtable<String, Object>();
        properties.put(HealthCheck.NAME, name);
        properties.put(HealthCheck.TAGS, tags);
        var registered = context.registerService(HealthCheck.class, check, properties);
        undo.push(registered::unregister);
    }

    /** What the checks said last. */
    public HealthMXBean health() {
        return health;
    }

    private void look() {
        try {
            while (true) {
                try {
                    health.look();
                    lookAtLinks();
                } catch (RuntimeException | LinkageError broken) {
                    // Who is asked may be replaced meanwhile: that is no reason never to look again.
                    LOG.warn("the node's health cannot be looked at now", broken);
                }
                Thread.sleep(INTERVAL);
                standStill.look(INTERVAL, System.nanoTime());
            }
        } catch (InterruptedException ended) {
            // The component goes.
        }
    }

    /** Tells of listeners that began to listen, or ended. */
    private void lookAtLinks() {
        var now = new HashMap<String, Boolean>();
        // One that goes is left out, so that it is told below.
        services.listeners()
                .forEach((name, listener) -> TargetServices.ask(listener::status)
                        .ifPresent(status -> {
                            now.put(name, status.listening());
                            if (status.listening() && !listening.getOrDefault(name, false)) {
                                events.tell("link.up", name, "listens at " + status.at());
                            }
                        }));
        listening.forEach((name, was) -> {
            if (was && !now.getOrDefault(name, false)) {
                events.tell("link.down", name, "listens no more");
            }
        });
        listening.clear();
        listening.putAll(now);
    }

    @Deactivate
    void deactivate() {
        while (!undo.isEmpty()) {
            try {
                undo.pop().close();
            } catch (Exception e) {
                LOG.warn("health does not end in order", e);
            }
        }
    }
}
