package io.doorbell.resources;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.doorbell.host.NvmeController;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseRegistry;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.ResourceManager;
import io.doorbell.lease.RevocationReason;
import io.doorbell.reactor.Reactors;
import io.doorbell.resources.lease.TestController;
import io.doorbell.resources.lease.TestQueuePair;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.event.Event;
import org.osgi.service.event.EventAdmin;
import org.slf4j.LoggerFactory;
import org.w3c.dom.Element;

/** The services as bundles see them, in a framework. */
@Timeout(300)
class ComponentsTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private static TestFramework framework;

    private Bundle operator;
    private TestController controller;
    private ServiceRegistration<NvmeController> registered;

    @BeforeAll
    static void start(@TempDir Path storage) throws BundleException {
        framework = new TestFramework(storage.resolve("framework"));
    }

    @AfterAll
    static void stop() {
        framework.close();
    }

    @BeforeEach
    void register() throws Exception {
        controller = new TestController("nvme0", 4);
        registered = framework.register(controller);
        operator = framework.consumer("operator");
    }

    @AfterEach
    void nothingStays() throws Exception {
        framework.uninstallConsumers();
        assertThat(controller.liveQueuePairs).hasValue(0);
        // Not before: the bundles that hold leases have gone, and so have the leases.
        registered.unregister();
        controller.close();
        configure(Map.of());
        framework.resources.start();
    }

    private QueuePairLease lease(ResourceManager manager) throws InterruptedException {
        return manager.lease(LeaseRequest.of(
                controller.transportId(), Thread.currentThread(), (token, status, result) -> {}, "test"));
    }

    private LeaseRegistry registry() {
        // Not by the system bundle, which finds the component's own class on the class path and takes it for another.
        return TestFramework.service(operator.getBundleContext(), LeaseRegistry.class);
    }

    @Test
    void eachBundleHasAResourceManagerOfItsOwn() throws Exception {
        var a = framework.consumer("a");
        var b = framework.consumer("b");

        var mine = TestFramework.resourceManager(a);
        lease(mine);

        assertThat(TestFramework.resourceManager(a)).isSameAs(mine);
        assertThat(mine.leases()).hasSize(1);
        assertThat(mine.controllers()).containsExactly(controller);
        assertThat(TestFramework.resourceManager(b).leases()).isEmpty();
        assertThat(registry().leases()).singleElement().satisfies(seen -> {
            assertThat(seen.holder()).isEqualTo("a 1.0.0");
            assertThat(seen.holderBundleId()).isEqualTo(a.getBundleId());
        });
    }

    @Test
    void aBundleThatStopsLosesItsLeasesAndItsManager() throws Exception {
        assertLeasesGoWhen(Bundle::stop);
    }

    @Test
    void aBundleThatIsUpdatedLosesItsLeasesAndItsManager() throws Exception {
        assertLeasesGoWhen(bundle -> bundle.update(TestFramework.content("a", "2.0.0")));
    }

    @Test
    void aBundleThatIsUninstalledLosesItsLeasesAndItsManager() throws Exception {
        assertLeasesGoWhen(Bundle::uninstall);
    }

    private interface Change {
        void to(Bundle bundle) throws Exception;
    }

    private void assertLeasesGoWhen(Change change) throws Exception {
        var a = framework.consumer("a");
        var kept = lease(TestFramework.resourceManager(framework.consumer("b")));
        var manager = TestFramework.resourceManager(a);
        var lease = lease(manager);
        lease.queuePair().read(1, 0, 1, null, 0, 0, 0);

        change.to(a);

        assertThat(lease.state().ended()).isTrue();
        assertThat(registry().history().getLast().reason()).isEqualTo(RevocationReason.HOLDER_STOPPED);
        assertThat(registry().leases()).extracting("id").containsExactly(kept.id());
        assertThatThrownBy(() -> lease(manager))
                .isInstanceOfSatisfying(
                        LeaseException.class,
                        thrown -> assertThat(thrown.kind()).isEqualTo(LeaseException.Kind.ENDED));
        assertThatThrownBy(() -> lease.queuePair().read(1, 0, 1, null, 0, 0, 0))
                .isInstanceOf(IllegalStateException.class);
        if (a.getState() == Bundle.ACTIVE) {
            assertThat(lease(TestFramework.resourceManager(a)).state()).isEqualTo(LeaseState.GRANTED);
        }
    }

    @Test
    void aRogueRingsNoDoorbellAfterItsBundleStopped() throws Exception {
        assertNoStoreAfter(Bundle::stop);
    }

    @Test
    void aRogueRingsNoDoorbellAfterItsBundleWasUpdated() throws Exception {
        assertNoStoreAfter(bundle -> bundle.update(TestFramework.content("rogue", "2.0.0")));
    }

    /** A thread of the bundle outlives it, past the owner check for ever: stores and stores, never polls, never looks. */
    private void assertNoStoreAfter(Change change) throws Exception {
        controller.answering = false;
        var bundle = framework.consumer("rogue");
        var stores = new AtomicInteger();
        var queuePair = new CompletableFuture<TestQueuePair>();
        var thrown = new CompletableFuture<RuntimeException>();
        var rogue = Thread.ofPlatform().daemon().start(() -> {
            try {
                var mine = queuePair.join();
                while (true) {
                    mine.ringDoorbell(-stores.incrementAndGet());
                }
            } catch (RuntimeException stopped) {
                thrown.complete(stopped);
            }
        });
        var lease = TestFramework.resourceManager(bundle)
                .lease(LeaseRequest.of(controller.transportId(), rogue, (token, status, result) -> {}, "rogue"));
        queuePair.complete((TestQueuePair) lease.queuePair());
        await().atMost(BOUND).until(() -> stores.get() > 10_000);

        change.to(bundle);
        int atTheFence = controller.submissionDoorbell(1);

        assertThat(thrown.get(60, TimeUnit.SECONDS)).isInstanceOf(IllegalStateException.class);
        assertThat(controller.submissionDoorbell(1)).isEqualTo(atTheFence);
        assertThat(-atTheFence).isIn(stores.get(), stores.get() - 1);
    }

    @Test
    void theServiceOfAControllerGoesOnlyWhenItsLeasesAreBack() throws Exception {
        var manager = TestFramework.resourceManager(framework.consumer("a"));
        var lease = lease(manager);

        registered.unregister();

        assertThat(lease.state()).isEqualTo(LeaseState.RELEASED);
        assertThat(controller.liveQueuePairs).hasValue(0);
        assertThat(registry().history().getLast().reason()).isEqualTo(RevocationReason.CONTROLLER_GONE);
        assertThat(manager.controllers()).isEmpty();

        registered = framework.register(controller);
        assertThat(lease(manager).epoch()).isEqualTo(lease.epoch() + 1);
    }

    @Test
    void stoppingTheResourceManagerTakesEverythingBack() throws Exception {
        var lease = lease(TestFramework.resourceManager(framework.consumer("a")));

        framework.resources.stop();

        assertThat(lease.state().ended()).isTrue();
        assertThat(framework.context().getServiceReference(Reactors.class)).isNull();
    }

    @Test
    void aChangeOfConfigurationCountsAtOnceAndLeavesLeasesAlone() throws Exception {
        var limited = framework.consumer("limited");
        var manager = TestFramework.resourceManager(limited);
        var lease = lease(manager);

        configure(Map.of("policies", new String[] {"limited: maximum=1"}));

        await().atMost(BOUND)
                .untilAsserted(() -> assertThatThrownBy(() -> lease(manager).close())
                        .isInstanceOf(LeaseException.class)
                        .hasMessageContaining("limited: guaranteed=0 maximum=1"));
        assertThat(lease.state()).isEqualTo(LeaseState.GRANTED);
        assertThat(TestFramework.resourceManager(limited)).isSameAs(manager);
    }

    @Test
    void aMistakeInAPolicyIsNamedAndLeavesTheLastGoodOneInForce() throws Exception {
        var manager = TestFramework.resourceManager(framework.consumer("limited"));
        configure(Map.of("policies", new String[] {"limited: maximum=0"}));
        await().atMost(BOUND)
                .untilAsserted(
                        () -> assertThatThrownBy(() -> lease(manager).close()).isInstanceOf(LeaseException.class));
        var log = new ListAppender<ILoggingEvent>();
        var logger = (Logger) LoggerFactory.getLogger(LeasesComponent.class);
        logger.setLevel(Level.ERROR);
        logger.setAdditive(false);
        log.start();
        logger.addAppender(log);
        try {
            configure(Map.of("policies", new String[] {"limited: maximum=many"}));

            await().atMost(BOUND).until(() -> !logged(log).isEmpty());
            assertThat(logged(log).getFirst().getFormattedMessage())
                    .contains("config/io.doorbell.resources.cfg")
                    .contains("policies = ")
                    .contains("maximum=many")
                    .contains("0 to 65535")
                    .contains("stays in force")
                    .contains("limited: guaranteed=0 maximum=0");
            assertThatThrownBy(() -> lease(manager)).isInstanceOf(LeaseException.class);
        } finally {
            logger.detachAppender(log);
            logger.setLevel(null);
            logger.setAdditive(true);
        }
    }

    private static List<ILoggingEvent> logged(ListAppender<ILoggingEvent> log) {
        synchronized (log) { // as it does when it takes an event, on whatever thread
            return List.copyOf(log.list);
        }
    }

    private void configure(Map<String, Object> options) throws IOException {
        TestFramework.service(framework.context(), ConfigurationAdmin.class)
                .getConfiguration(Options.PID, "?")
                .update(new Hashtable<>(options));
    }

    @Test
    void eventsGoToEventAdmin() throws Exception {
        var posted = Collections.synchronizedList(new ArrayList<Event>());
        var admin = framework
                .context()
                .registerService(
                        EventAdmin.class,
                        new EventAdmin() {
                            @Override
                            public void postEvent(Event event) {
                                posted.add(event);
                            }

                            @Override
                            public void sendEvent(Event event) {
                                throw new AssertionError("events are posted");
                            }
                        },
                        null);

        lease(TestFramework.resourceManager(framework.consumer("a"))).close();

        await().atMost(BOUND).until(() -> posted.size() == 3);
        admin.unregister();
        assertThat(posted)
                .extracting(Event::getTopic)
                .containsExactly(
                        LeaseEvent.TOPIC + "granted", LeaseEvent.TOPIC + "revoking", LeaseEvent.TOPIC + "released");
        assertThat(posted.getLast().getProperty("reason")).isEqualTo("RELEASED_BY_HOLDER");
        assertThat(posted.getLast().getProperty("holder")).isEqualTo("a 1.0.0");
        assertThat((Long) posted.getLast().getProperty("close.nanos")).isPositive();
    }

    @Test
    void reactorsAreAService() {
        var reactors = TestFramework.service(framework.context(), Reactors.class);

        try (var reactor = reactors.open("mine", Reactors.Role.HOST, Reactors.ANY_CPU)) {
            assertThat(reactor.<Boolean>call(reactor::isCurrent, Duration.ofSeconds(5)))
                    .isTrue();
            assertThat(reactors.reactors()).containsExactly(reactor);
        }
        assertThat(reactors.reactors()).isEmpty();
    }

    /** The shipped file explains each option that there is, and says the defaults. */
    @Test
    void theConfigurationFileHasEveryOptionWithItsDefault() throws Exception {
        var defaults = new TreeMap<String, String>();
        var metatype = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(Path.of("target/classes/OSGI-INF/metatype/io.doorbell.resources.Options.xml")
                        .toFile());
        var attributes = metatype.getElementsByTagName("AD");
        for (int i = 0; i < attributes.getLength(); i++) {
            var attribute = (Element) attributes.item(i);
            defaults.put(attribute.getAttribute("id"), attribute.getAttribute("default"));
        }

        var file = new HashMap<String, String>();
        for (var line : Files.readAllLines(Path.of("../../config/io.doorbell.resources.cfg"))) {
            if (!line.isBlank() && !line.startsWith("#")) {
                var parts = line.split("=", 2);
                file.put(parts[0].strip(), parts[1].strip());
            }
        }

        assertThat(file).isEqualTo(defaults);
    }
}
