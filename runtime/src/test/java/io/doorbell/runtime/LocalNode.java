package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import javax.management.JMException;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.TabularData;
import org.osgi.framework.Bundle;
import org.osgi.framework.Constants;

/**
 * A node of the assembled distribution in the test's JVM, where its threads, its memory and its MBeans can be looked at.
 * Its classes are the bundles', not the test's: what the test asks goes by name.
 */
final class LocalNode implements AutoCloseable {
    /** Of what takes some hundred milliseconds, on a machine that has much else to do. */
    static final Duration BOUND = Duration.ofSeconds(120);

    /** Who has threads that come and go by themselves: the JDK, the container, what runs the tests. */
    private static final String NOT_OURS = String.join(
            "|",
            "awaitility",
            "surefire",
            "ForkJoinPool",
            "VirtualThread-unparker",
            "Read-Poller",
            "Write-Poller",
            "Common-Cleaner",
            "process reaper",
            "HttpClient",
            "EventAdmin",
            "CM ",
            "SCR",
            "Felix",
            "Apache Felix",
            "hc-thread",
            "qtp",
            "Scheduler");

    static final String PERF = "io.doorbell.bundle-perf";
    static final String PCIE = "io.doorbell.bundle-pcie";

    private final Home home;
    private final Node node;

    LocalNode(Path root) throws IOException {
        NodeProcess.managementAt(0, root);
        NodeProcess.listenersOf(root);
        var distribution = Distribution.at(NodeProcess.distribution());
        home = Home.open(root, distribution);
        node = new Node(distribution, home, Set.of(Node.CONSOLE_START_LEVEL)).start();
        awaitListeners();
    }

    /** They open in the background, with threads and memory of their own: whoever counts those counts from here on. */
    private static void awaitListeners() {
        await().atMost(BOUND)
                .untilAsserted(() -> assertThat(((TabularData) attribute("Listeners", "Listeners")).values())
                        .hasSize(2)
                        .allSatisfy(
                                row -> assertThat(((CompositeData) ((CompositeData) row).get("value")).get("listening"))
                                        .as(row.toString())
                                        .isEqualTo(true)));
    }

    Node node() {
        return node;
    }

    Path root() {
        return home.root();
    }

    Path deployed(String file) {
        return home.root().resolve("deploy").resolve(file + "-" + NodeProcess.version() + ".jar");
    }

    Bundle bundle(String symbolicName) {
        return Arrays.stream(node.context().getBundles())
                .filter(bundle -> symbolicName.equals(bundle.getSymbolicName()))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no bundle " + symbolicName));
    }

    /** Copies a jar of {@code deploy/} with another version in its manifest, to where it can be moved from. */
    Path withVersion(String file, String version) throws IOException {
        return withVersion(deployed(file), version, home.root().resolve(file + "-" + version + ".jar"));
    }

    /** Copies a jar with another version in its manifest. */
    static Path withVersion(Path original, String version, Path copy) throws IOException {
        try (var jar = new JarFile(original.toFile())) {
            var manifest = jar.getManifest();
            manifest.getMainAttributes().putValue(Constants.BUNDLE_VERSION, version);
            try (var out = new JarOutputStream(Files.newOutputStream(copy), manifest)) {
                for (var entry :
                        jar.stream().filter(each -> !each.isDirectory()).toList()) {
                    if (!entry.getName().equals(JarFile.MANIFEST_NAME)) {
                        out.putNextEntry(new JarEntry(entry.getName()));
                        jar.getInputStream(entry).transferTo(out);
                    }
                }
            }
        }
        return copy;
    }

    void drop(Path jar) throws IOException {
        Files.move(jar, home.root().resolve("deploy").resolve(jar.getFileName()), StandardCopyOption.ATOMIC_MOVE);
    }

    /** A run of perf, of whichever version is there now. */
    Perf perf(String... flags) {
        var tool = node.await(ToolProvider.class, "(doorbell.command=perf)", BOUND)
                .orElseThrow(() -> new AssertionError("no perf; not active: " + node.notActive()));
        return new Perf(tool, flags);
    }

    static Object attribute(String type, String attribute) {
        try {
            return ManagementFactory.getPlatformMBeanServer()
                    .getAttribute(new ObjectName("io.doorbell:type=" + type), attribute);
        } catch (JMException e) {
            throw new AssertionError(type + " " + attribute, e);
        }
    }

    static int leases() {
        return (Integer) attribute("Leases", "LeaseCount");
    }

    /** Native memory that is mapped now: what platform keeps books of. */
    int mappings() {
        try {
            var live = bundle("io.doorbell.platform")
                    .loadClass("io.doorbell.platform.Mapping")
                    .getDeclaredField("LIVE");
            live.setAccessible(true);
            return ((Map<?, ?>) live.get(null)).size();
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** Names of the platform threads there are; pools of the container, and the test's own, come and go by themselves. */
    static Set<String> threads() {
        return Thread.getAllStackTraces().keySet().stream() // virtual threads are not among them
                .map(Thread::getName)
                .filter(name -> !name.matches("(" + NOT_OURS + ").*"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Override
    public void close() {
        node.close();
        home.close();
    }

    /** A run on a thread of its own. */
    static final class Perf {
        private final StringWriter said = new StringWriter();
        private final FutureTask<Integer> exit;

        private Perf(ToolProvider tool, String... flags) {
            exit = new FutureTask<>(() -> {
                var out = new PrintWriter(said);
                try {
                    return tool.run(out, out, flags);
                } finally {
                    out.flush();
                }
            });
            Thread.ofVirtual().start(exit);
        }

        int exitCode() throws InterruptedException {
            try {
                return exit.get(BOUND.toSeconds(), TimeUnit.SECONDS);
            } catch (TimeoutException e) {
                throw new AssertionError("perf does not end: " + said, e);
            } catch (ExecutionException e) {
                throw new AssertionError("perf threw: " + said, e.getCause());
            }
        }

        String said() {
            return said.toString();
        }
    }
}
