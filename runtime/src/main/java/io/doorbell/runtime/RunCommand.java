package io.doorbell.runtime;

import io.doorbell.platform.ServiceManager;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The node in the foreground. SIGTERM and SIGINT end it in order, with exit code 0. */
@Command(
        name = "run",
        description = "The node in the foreground until SIGTERM.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class RunCommand implements Callable<Integer> {
    @Option(
            names = "--home",
            paramLabel = "DIR",
            description = {
                "The node's directory; made from the defaults where there is none.",
                "Without it: $DOORBELL_HOME, else ~/.doorbell"
            })
    private Path home;

    @Option(names = "--console", description = "A Gogo shell on this terminal.")
    private boolean console;

    @Override
    public Integer call() {
        Main.requireNativeAccess();
        var distribution = Distribution.locate();
        var opened = Home.open(home != null ? home : Home.usual(), distribution);
        Logging.ofNode(opened);
        var log = LoggerFactory.getLogger(RunCommand.class);
        log.info(
                "doorbell in {}, pid {}", opened.root(), ProcessHandle.current().pid());
        opened.notes().forEach(log::info);

        var node = new Node(distribution, opened, console ? Set.of() : Set.of(Node.CONSOLE_START_LEVEL));
        var watch = new ServiceWatch(ServiceManager.of(System.getenv()), ServiceWatch::isLive);
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("doorbell-shutdown").unstarted(() -> {
                    log.info("stopping");
                    watch.stopping();
                    watch.close();
                    end(node, opened);
                }));
        node.start();
        var missing = node.notActive();
        if (!missing.isEmpty()) {
            log.error("not active: {}", String.join(", ", missing));
        }
        log.info(
                "up after {} ms: {} bundles",
                System.currentTimeMillis()
                        - ManagementFactory.getRuntimeMXBean().getStartTime(),
                node.context().getBundles().length);
        watch.ready(missing.isEmpty() ? "up" : "up, but not active: " + missing.size() + " bundles");
        node.awaitStop();
        // From here on exit runs the hook above, whoever stopped the framework.
        return Main.DONE;
    }

    /** Halts: a JVM that ends on a signal would otherwise report the signal although everything was put in order. */
    private static void end(Node node, Home home) {
        var inOrder = node.stop();
        home.close();
        LoggerFactory.getLogger(RunCommand.class)
                .info(
                        inOrder
                                ? "stopped"
                                : "halted: the bundles named above did not stop within " + Node.STOP_BOUND.toSeconds()
                                        + " s");
        Logging.close();
        Runtime.getRuntime().halt(inOrder ? Main.DONE : Main.FAILED);
    }
}
