package io.doorbell.management;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.configuration.ConfigurationFiles;
import io.doorbell.platform.EventFd;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.ReactorStatistics;
import io.doorbell.reactor.Reactors;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.TabularData;
import org.junit.jupiter.api.Test;

class ManagedReactorsTest {
    private final MBeanServer server = MBeanServerFactory.newMBeanServer();

    @Test
    void showsTheCountersOfEachReactorByName() throws Exception {
        var name = Registration.name("Reactors");
        try (var _ = new ManagedReactors(
                new TestReactors(List.of(new TestReactor("a"), new TestReactor("b"))), new TestFiles(), server)) {

            var table = (TabularData) server.getAttribute(name, "Reactors");

            assertThat(table.size()).isEqualTo(2);
            var row = (CompositeData) table.get(new Object[] {"b"}).get("value");
            assertThat(row.get("name")).isEqualTo("b");
            assertThat(row.get("cpu")).isEqualTo(1);
            assertThat(row.get("thread")).isEqualTo("b-thread");
            assertThat(row.get("cycles")).isEqualTo(1_000L);
            assertThat(row.get("busyCycles")).isEqualTo(900L);
            assertThat(row.get("parks")).isEqualTo(3L);
            assertThat(row.get("pollers")).isEqualTo(2);
            assertThat(row.get("pollerFailures")).isEqualTo(1L);
            assertThat((long) row.get("sinceCycleNanos")).isBetween(5_000_000L, 60_000_000_000L);
            assertThat(row.get("parked")).isEqualTo(true);
            assertThat(server.getAttribute(name, "ReactorCount")).isEqualTo(2);
        }
        assertThat(server.isRegistered(name)).isFalse();
    }

    @Test
    void whatIsChangedIsWrittenAndWhatIsWrongIsNot() {
        var files = new TestFiles();
        files.entries.put("reactor.cpus", "gone: 7, b: 1");
        var reactors = new TestReactors(List.of(new TestReactor("a"), new TestReactor("b")));
        try (var bean = new ManagedReactors(reactors, files, server)) {
            assertThat(bean.getConfiguredCpus()).isEqualTo(Map.of("gone", 7, "b", 1));
            assertThat(bean.getAllowedCpus()).isNotEmpty();

            assertThatThrownBy(() -> bean.move("c", 0))
                    .hasMessageContaining("there is no reactor \"c\"; there are a, b");
            assertThatThrownBy(() -> bean.move("a", 54_321)).hasMessageContaining("this process may use");
            assertThatThrownBy(() -> bean.unplace("a")).hasMessageContaining("there are b, gone");
            assertThat(files.entries).isEqualTo(Map.of("reactor.cpus", "gone: 7, b: 1"));

            bean.unplace("b");
            bean.setIdle(5, 6);
            assertThat(files.entries)
                    .isEqualTo(
                            Map.of("reactor.cpus", "gone: 7", "reactor.spin.cycles", "5", "reactor.yield.cycles", "6"));
        }
    }

    /** One file, in memory. */
    private static final class TestFiles implements ConfigurationFiles {
        private final TreeMap<String, String> entries = new TreeMap<>();

        @Override
        public List<ConfigurationFileStatus> files() {
            return List.of(new ConfigurationFileStatus(
                    "io.doorbell.resources.cfg", State.APPLIED, "", 0, new TreeMap<>(entries)));
        }

        @Override
        public void set(String file, Map<String, String> changed) {
            assertThat(file).isEqualTo("io.doorbell.resources.cfg");
            entries.putAll(changed);
        }

        @Override
        public void remove(String file) {
            throw new UnsupportedOperationException();
        }
    }

    private record TestReactors(List<Reactor> reactors) implements Reactors {
        @Override
        public Reactor open(String name, Role role, int cpu) {
            throw new UnsupportedOperationException();
        }
    }

    private record TestReactor(String name) implements Reactor {
        @Override
        public int cpu() {
            return 1;
        }

        @Override
        public Thread thread() {
            return Thread.ofVirtual().name(name + "-thread").unstarted(() -> {});
        }

        @Override
        public ReactorStatistics statistics() {
            return new ReactorStatistics(1_000, 900, 3, 2, 1, System.nanoTime() - 5_000_000, true);
        }

        @Override
        public void add(Poller poller) {}

        @Override
        public void remove(Poller poller) {}

        @Override
        public void execute(Runnable task) {}

        @Override
        public <T> T call(Callable<T> task, Duration bound) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void wake() {}

        @Override
        public EventFd sign() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }
}
