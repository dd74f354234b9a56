package io.doorbell.runtime;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Set;
import java.util.function.Function;
import java.util.spi.ToolProvider;

/** A node for the length of one command, without HTTP: in a temporary home that is gone with it, mostly. */
final class EmbeddedNode implements AutoCloseable {
    /** Plug-ins are started when the node is up; a command that is not there by then is on its way or missing. */
    private static final Duration TOOL_BOUND = Duration.ofSeconds(10);

    private static final Set<Integer> LEFT_OUT = Set.of(
            Node.HTTP_START_LEVEL, Node.JOLOKIA_START_LEVEL, Node.MANAGEMENT_START_LEVEL, Node.CONSOLE_START_LEVEL);

    private final Home home;
    private final Node node;
    private final Thread interrupted;
    private boolean closed;

    private EmbeddedNode(Home home, Node node) {
        this.home = home;
        this.node = node;
        this.interrupted = Thread.ofPlatform().name("doorbell-interrupted").unstarted(this::end);
    }

    static EmbeddedNode start() {
        return start(Home::temporary);
    }

    /** A node in a home that is not quite the distribution's. */
    static EmbeddedNode start(Function<Distribution, Home> opener) {
        Main.requireNativeAccess();
        Logging.ofCommand();
        var distribution = Distribution.locate();
        var home = opener.apply(distribution);
        var embedded = new EmbeddedNode(home, new Node(distribution, home, LEFT_OUT));
        Runtime.getRuntime().addShutdownHook(embedded.interrupted);
        try {
            embedded.node.start();
            return embedded;
        } catch (RuntimeException e) {
            embedded.close();
            throw e;
        }
    }

    Node node() {
        return node;
    }

    Home home() {
        return home;
    }

    /** Runs a command that a plug-in brought, and returns what it returned. */
    int runTool(String name, PrintWriter out, PrintWriter err, String... args) {
        var tool = node.await(ToolProvider.class, "(doorbell.command=" + name + ")", TOOL_BOUND)
                .orElseThrow(() -> new Refusal("no plug-in brought the command " + name + " within "
                        + TOOL_BOUND.toSeconds() + " s" + notActive()));
        return tool.run(out, err, args);
    }

    private String notActive() {
        var bundles = node.notActive();
        return bundles.isEmpty() ? "" : "; not active: " + String.join(", ", bundles);
    }

    @Override
    public void close() {
        end();
        try {
            Runtime.getRuntime().removeShutdownHook(interrupted);
        } catch (IllegalStateException e) {
            // The JVM is going down already, and this hook with it.
        }
    }

    private synchronized void end() {
        if (closed) {
            return;
        }
        closed = true;
        node.close();
        home.close();
    }
}
