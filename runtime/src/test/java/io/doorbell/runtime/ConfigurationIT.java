package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Dictionary;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Files in the home of a running node, from the assembled distribution. */
class ConfigurationIT {
    /** File Install looks twice a second, and twice at a file that grows. */
    private static final Duration TAKEN_UP = Duration.ofSeconds(60);

    private static final String SUBSYSTEM = "io.doorbell.subsystem~nvme0";

    private static final String LISTENER = "io.doorbell.tcp.target~tcp0";

    private static final String METATYPE = """
            <MetaData xmlns="http://www.osgi.org/xmlns/metatype/v1.4.0">
              <OCD id="c"><AD id="depth" type="Integer" min="2" max="1024" default="32"/></OCD>
              <Designate pid="trial"><Object ocdref="c"/></Designate>
            </MetaData>""";

    @TempDir
    private Path root;

    private ListAppender<ILoggingEvent> appender;
    private Home home;
    private Node node;

    @BeforeEach
    void start() throws IOException {
        appender = new ListAppender<>();
        appender.start();
        logger().addAppender(appender);
        logger().setLevel(Level.INFO);
        var distribution = Distribution.at(NodeProcess.distribution());
        NodeProcess.managementAt(0, root.resolve("home"));
        NodeProcess.listenersOf(root.resolve("home"));
        home = Home.open(root.resolve("home"), distribution);
        node = new Node(distribution, home, Set.of(Node.CONSOLE_START_LEVEL)).start();
    }

    @AfterEach
    void stop() {
        node.close();
        home.close();
        logger().detachAppender(appender);
    }

    private static Logger logger() {
        return (Logger) LoggerFactory.getLogger("io.doorbell");
    }

    /** What was logged until now: other threads go on logging. */
    private List<ILoggingEvent> logged() {
        synchronized (appender) { // as it does when it takes an event
            return List.copyOf(appender.list);
        }
    }

    private List<String> errors() {
        return logged().stream()
                .filter(event -> event.getLevel() == Level.ERROR)
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
    }

    private void configure(String text) throws IOException {
        Files.writeString(home.root().resolve("config/trial.cfg"), text);
    }

    /** A plug-in that has nothing but options, dropped as people drop them: whole, by a move. */
    private void deployTrial() throws IOException {
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().putValue("Bundle-ManifestVersion", "2");
        manifest.getMainAttributes().putValue("Bundle-SymbolicName", "trial");
        var file = root.resolve("trial.jar");
        try (var jar = new JarOutputStream(Files.newOutputStream(file), manifest)) {
            jar.putNextEntry(new JarEntry("OSGI-INF/metatype/trial.xml"));
            jar.write(METATYPE.getBytes(StandardCharsets.UTF_8));
        }
        Files.move(file, home.root().resolve("deploy/trial.jar"));
    }

    /** What Config Admin has. Its classes are a bundle's, not this test's, so it is asked by name. */
    private Object depthInForce() throws ReflectiveOperationException {
        var admin = node.await("org.osgi.service.cm.ConfigurationAdmin", "", TAKEN_UP)
                .orElseThrow();
        var found = (Object[])
                admin.getClass().getMethod("listConfigurations", String.class).invoke(admin, "(service.pid=trial)");
        if (found == null) {
            return null;
        }
        var properties = found[0].getClass().getMethod("getProperties").invoke(found[0]);
        return ((Dictionary<?, ?>) properties).get("depth");
    }

    private void awaitDepth(Object depth) {
        await().atMost(TAKEN_UP).untilAsserted(() -> assertThat(depthInForce()).isEqualTo(depth));
    }

    @Test
    void aFileIsTakenUpLiveAndAWrongValueLeavesTheOldOneInForce() throws IOException {
        configure("depth = 64\n");
        deployTrial();
        awaitDepth(64);

        configure("depth = 4096\n");

        await().atMost(TAKEN_UP)
                .untilAsserted(() -> assertThat(errors())
                        .filteredOn(error -> error.contains("trial"))
                        .containsExactly("config/trial.cfg: depth = 4096: must be a whole number from 2 to 1024"
                                + " (default 32). Nothing was changed: the last good configuration stays in force"));
        awaitDepth(64);

        configure("depth = 128\n");
        awaitDepth(128);

        Files.delete(home.root().resolve("config/trial.cfg"));
        awaitDepth(null);
    }

    @Test
    void pluginsOfTheHomeAreStartedAfterTheBundlesTheyStandOn() throws IOException {
        node.close();
        deployTrial();
        synchronized (appender) {
            appender.list.clear();
        }

        node = new Node(Distribution.at(NodeProcess.distribution()), home, Set.of(Node.CONSOLE_START_LEVEL)).start();

        assertThat(logged())
                .extracting(ILoggingEvent::getFormattedMessage)
                .as("not yet active when it is found, at the start level of File Install")
                .contains("trial 0.0.0 (trial.jar) is installed");
        assertThat(node.notActive()).isEmpty();
    }

    @Test
    void everyBundleIsActiveAndTheDefaultsRaiseNoError() {
        assertThat(node.notActive()).isEmpty();
        assertThat(errors()).isEmpty();
    }

    @Test
    void valuesThatDoNotGoTogetherLeaveTheDeviceAsItIs() throws IOException {
        var file = home.root().resolve("config/io.doorbell.emulator~nvme0.cfg");
        var good = Files.readString(file);
        var device = function();

        Files.writeString(file, good.replaceAll("(?m)^max.transfer.bytes.*$", "") + "\nmax.transfer.bytes = 12288\n");

        await().atMost(TAKEN_UP)
                .untilAsserted(() -> assertThat(errors())
                        .filteredOn(error -> error.contains("nvme0"))
                        .singleElement()
                        .asString()
                        .contains("io.doorbell.emulator~nvme0", "transfer bytes 12288", "a power of two"));
        assertThat(function()).as("not touched").isSameAs(device);

        Files.writeString(file, good.replaceAll("(?m)^max.queue.entries.*$", "") + "\nmax.queue.entries = 64\n");

        await().atMost(TAKEN_UP)
                .untilAsserted(
                        () -> assertThat(function()).as("made anew").isNotNull().isNotSameAs(device));
    }

    @Test
    void aSubsystemAndItsListenerChangeWithoutBeingMadeAnew() throws Exception {
        var config = home.root().resolve("config");
        var subsystem = service("TargetSubsystem", "doorbell.nqn", "nqn.2026-11.io.doorbell:nvme0");
        var operator = service("SubsystemOperator", "service.pid", SUBSYSTEM);
        var listener = service("ListenerOperator", "service.pid", LISTENER);

        change(config.resolve(LISTENER + ".cfg"), "# ana =", "ana = 2=non-optimized");
        change(
                config.resolve(SUBSYSTEM + ".cfg"),
                "3=null:1TiB:4096",
                "3=null:2TiB:4096;ana=2, 4=memory:1MiB:512",
                "namespace.limits =",
                "namespace.limits = 3=iops:5000;bytes:100MiB",
                "host.limits =",
                "host.limits = *=iops:100000");

        await().atMost(TAKEN_UP).untilAsserted(() -> {
            var spelled = (Map<?, ?>) ask("SubsystemOperator", operator, "configuration");
            assertThat((String[]) spelled.get("namespaces")).contains("3=null:2TiB:4096;ana=2", "4=memory:1MiB:512");
            assertThat((String[]) spelled.get("namespace.limits")).containsExactly("3=iops:5000;bytes:104857600");
            assertThat((String[]) spelled.get("host.limits")).containsExactly("*=iops:100000");
            assertThat(ask("ListenerOperator", listener, "accessStates"))
                    .hasToString("AccessStates[states={2=NON_OPTIMIZED}]");
        });
        assertThat(ask("TargetSubsystem", subsystem, "namespaces").toString()).contains("nsid=4");
        assertThat(service("TargetSubsystem", "doorbell.nqn", "nqn.2026-11.io.doorbell:nvme0"))
                .isSameAs(subsystem);
        assertThat(service("ListenerOperator", "service.pid", LISTENER)).isSameAs(listener);

        change(config.resolve(SUBSYSTEM + ".cfg"), "3=null:2TiB:4096;ana=2", "3=null:1TiB:4096");

        await().atMost(TAKEN_UP)
                .untilAsserted(() -> assertThat(errors())
                        .filteredOn(error -> error.contains("nvme0"))
                        .singleElement()
                        .asString()
                        .contains("namespace 3", "stays null:2TiB:4096", "say ;shrink behind it"));
    }

    /** The one that has the property: the node has several listeners, and any of them may be the first. */
    private Object service(String type, String property, String value) {
        return node.await("io.doorbell.target." + type, "(" + property + "=" + value + ")", TAKEN_UP)
                .orElseThrow();
    }

    /** By its name: its classes are a bundle's. */
    private static Object ask(String type, Object service, String method) throws ReflectiveOperationException {
        for (Class<?> of = service.getClass(); of != null; of = of.getSuperclass()) {
            for (var each : of.getInterfaces()) {
                if (each.getSimpleName().equals(type)) {
                    return each.getMethod(method).invoke(service);
                }
            }
        }
        throw new NoSuchMethodException(type + " of " + service);
    }

    private static void change(Path file, String... beforeAndAfter) throws IOException {
        var text = Files.readString(file);
        for (int i = 0; i < beforeAndAfter.length; i += 2) {
            assertThat(text).contains(beforeAndAfter[i]);
            text = text.replace(beforeAndAfter[i], beforeAndAfter[i + 1]);
        }
        Files.writeString(file, text);
    }

    private Object function() {
        return node.await("io.doorbell.pci.PciFunction", "(doorbell.pci.address=nvme0)", TAKEN_UP)
                .orElse(null);
    }
}
