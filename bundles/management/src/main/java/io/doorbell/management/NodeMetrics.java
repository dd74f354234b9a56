package io.doorbell.management;

import io.doorbell.host.ControllerState;
import io.doorbell.reactor.Reactors;
import io.doorbell.target.IoUsage;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;
import java.util.TreeMap;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The node's figures as Prometheus wants them. What labels are made of is bounded. Any thread. */
@Component(service = NodeMetrics.class)
public final class NodeMetrics {
    public static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

    private static final String NQN = "nqn";
    private static final String NSID = "nsid";
    private static final String HOST = "host";
    private static final String OP = "op";

    private final TargetServices services;
    private final NodeMXBean node;
    private final ControllerManagement controllers;
    private final HealthManagement health;
    private final Reactors reactors;

    @Activate
    public NodeMetrics(
            @Reference NodeManagement node,
            @Reference TargetManagement target,
            @Reference ControllerManagement controllers,
            @Reference HealthManagement health,
            @Reference Reactors reactors) {
        this.node = node.node();
        this.services = target.services();
        this.controllers = controllers;
        this.health = health;
        this.reactors = reactors;
    }

    /** Text format of Prometheus, version 0.0.4. */
    public void writeTo(OutputStream out) throws IOException {
        var figures = new Figures();
        node(figures);
        namespaces(figures);
        hosts(figures);
        links(figures);
        controllers(figures);
        reactors(figures);
        PrometheusTextFormatWriter.create().write(out, figures.snapshots(), EscapingScheme.UNDERSCORE_ESCAPING);
    }

    private void node(Figures figures) {
        figures.gauge(
                "doorbell_node_start_time_seconds",
                "When the node started, since 1970.",
                node.getStartedAtMillis() / 1000.0);
        figures.gauge("doorbell_node_heap_used_bytes", "Heap in use.", node.getHeapUsedBytes());
        figures.gauge("doorbell_node_heap_max_bytes", "What the heap may have.", node.getHeapMaxBytes());
        figures.gauge(
                "doorbell_node_memory_available_bytes",
                "Memory of the machine that is left.",
                node.getMemoryAvailableBytes());
        figures.gauge("doorbell_node_huge_pages_free", "Huge pages that are free.", node.getHugePagesFree());
        var now = health.health();
        figures.gauge("doorbell_node_live", "1 while the process serves.", now.isLive() ? 1 : 0);
        figures.gauge("doorbell_node_ready", "1 while hosts get what they are to get.", now.isReady() ? 1 : 0);
        now.getChecks()
                .forEach((name, check) -> figures.gauge(
                        "doorbell_check_ok", "1 while the check finds nothing.", check.isOk() ? 1 : 0, "check", name));
    }

    private void namespaces(Figures figures) {
        services.usage().forEach((nqn, usages) -> {
            var byNamespace = new TreeMap<Integer, IoUsage>();
            usages.forEach(usage -> byNamespace.merge(usage.nsid(), usage, IoUsage::plus));
            byNamespace.forEach(
                    (nsid, usage) -> usage(figures, "namespace", usage, NQN, nqn, NSID, Integer.toString(nsid)));
        });
    }

    private void hosts(Figures figures) {
        ManagedHosts.usageByHost(services).forEach((host, bySubsystem) -> {
            var sum = bySubsystem.values().stream().reduce(IoUsage.none(0, host), IoUsage::plus);
            usage(figures, HOST, sum, HOST, host);
        });
    }

    private static void usage(Figures figures, String of, IoUsage usage, String... labels) {
        var commands = "doorbell_" + of + "_commands";
        var help = "Commands that were executed.";
        figures.counter(commands, help, usage.readCommands(), Figures.with(labels, OP, "read"));
        figures.counter(commands, help, usage.writeCommands(), Figures.with(labels, OP, "write"));
        figures.counter(commands, help, usage.otherCommands(), Figures.with(labels, OP, "other"));
        figures.counter(
                "doorbell_" + of + "_failed_commands",
                "Commands that ended with a status other than success.",
                usage.failedCommands(),
                labels);
        var bytes = "doorbell_" + of + "_bytes";
        figures.counter(bytes, "Bytes that were moved.", usage.readBytes(), Figures.with(labels, OP, "read"));
        figures.counter(bytes, "Bytes that were moved.", usage.writtenBytes(), Figures.with(labels, OP, "write"));
        var latency = "doorbell_" + of + "_latency_seconds";
        var words = "From when the namespace was given a command until its end; of some commands, which are timed.";
        figures.histogram(latency, words, usage.readLatency(), Figures.with(labels, OP, "read"));
        figures.histogram(latency, words, usage.writeLatency(), Figures.with(labels, OP, "write"));
    }

    private void links(Figures figures) {
        services.listeners()
                .forEach((name, listener) -> TargetServices.ask(listener::status)
                        .ifPresent(status -> {
                            figures.gauge(
                                    "doorbell_listener_up",
                                    "1 while it listens.",
                                    status.listening() ? 1 : 0,
                                    "listener",
                                    name);
                            figures.gauge(
                                    "doorbell_listener_connections",
                                    "Connections of hosts.",
                                    status.connections(),
                                    "listener",
                                    name);
                        }));
        counters(figures, "doorbell_tcp", "listener", ManagedCounters.tcp(services));
        counters(figures, "doorbell_rdma", "device", ManagedCounters.rdma(services));
        figures.gauge(
                "doorbell_leases",
                "Leases that have not ended.",
                services.leases.leases().size());
    }

    private static void counters(
            Figures figures, String prefix, String label, Map<String, ? extends Map<String, Long>> counters) {
        counters.forEach((name, byName) -> byName.forEach((counter, value) -> figures.counter(
                prefix + "_events", "What the transport counts.", value, label, name, "event", counter)));
    }

    private void controllers(Figures figures) {
        controllers.controllers().forEach((trid, controller) -> {
            TargetServices.ask(controller::getState)
                    .ifPresent(state -> figures.gauge(
                            "doorbell_controller_ready",
                            "1 while it takes commands.",
                            state == ControllerState.READY ? 1 : 0,
                            "trid",
                            trid));
            var smart = controller.getHealth();
            if (smart.readAtMillis() != 0) {
                figures.gauge(
                        "doorbell_controller_temperature_celsius",
                        "Composite temperature.",
                        smart.temperatureCelsius(),
                        "trid",
                        trid);
                figures.gauge(
                        "doorbell_controller_used_percent",
                        "Of its expected life.",
                        smart.percentageUsed(),
                        "trid",
                        trid);
                figures.gauge(
                        "doorbell_controller_spare_percent",
                        "Spare blocks that are left.",
                        smart.availableSparePercent(),
                        "trid",
                        trid);
                figures.gauge(
                        "doorbell_controller_media_errors",
                        "Errors of media or data integrity, over its life.",
                        smart.mediaErrors(),
                        "trid",
                        trid);
            }
        });
    }

    private void reactors(Figures figures) {
        for (var reactor : reactors.reactors()) {
            var counters = reactor.statistics();
            var name = reactor.name();
            figures.counter("doorbell_reactor_cycles", "Cycles.", counters.cycles(), "reactor", name);
            figures.counter(
                    "doorbell_reactor_busy_cycles",
                    "Cycles in which some poller did work.",
                    counters.busyCycles(),
                    "reactor",
                    name);
            figures.counter("doorbell_reactor_parks", "Times it slept.", counters.parks(), "reactor", name);
            figures.counter(
                    "doorbell_reactor_poller_failures",
                    "Pollers that broke.",
                    counters.pollerFailures(),
                    "reactor",
                    name);
        }
    }
}
