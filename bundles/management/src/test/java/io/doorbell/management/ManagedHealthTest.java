package io.doorbell.management;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Date;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import org.apache.felix.hc.api.FormattingResultLog;
import org.apache.felix.hc.api.HealthCheck;
import org.apache.felix.hc.api.Result;
import org.apache.felix.hc.api.execution.HealthCheckExecutionResult;
import org.apache.felix.hc.api.execution.HealthCheckMetadata;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.ServiceReference;

class ManagedHealthTest {
    private final MBeanServer server = MBeanServerFactory.newMBeanServer();
    private volatile List<HealthCheckExecutionResult> results = List.of();

    private static List<String> kinds(ManagedEvents events) {
        return events.getEvents().stream()
                .map(event -> event.kind() + " " + event.subject())
                .toList();
    }

    @Test
    void anAlarmIsRaisedOnceAndClearedWhenItIsOverOrItsCheckGoes() {
        try (var events = new ManagedEvents(server);
                var health = new ManagedHealth(() -> results, events, server)) {
            results = List.of(
                    new Looked("a", new Result(Result.Status.CRITICAL, "it broke")),
                    new Looked("b", new Result(Result.Status.WARN, "it wears")),
                    new Looked("c", new Result(Result.Status.OK, "fine")));
            health.look();
            health.look();
            assertThat(kinds(events)).containsExactly("alarm.raised a", "alarm.raised b");
            assertThat(health.isReady()).isFalse();
            assertThat(health.getAlarms())
                    .extracting(HealthMXBean.CheckRow::name)
                    .containsExactly("a", "b");

            results = List.of(new Looked("a", new Result(Result.Status.OK, "well again")));
            health.look();
            assertThat(kinds(events))
                    .containsExactly("alarm.raised a", "alarm.raised b", "alarm.cleared a", "alarm.cleared b");
            assertThat(health.getAlarms()).isEmpty();
        }
    }

    @Test
    void anotherReasonIsToldAndAnotherAmountIsNot() {
        try (var events = new ManagedEvents(server);
                var health = new ManagedHealth(() -> results, events, server)) {
            for (var said : List.of(
                    "reactor a has not come round for 6 s: hosts wait",
                    "reactor a has not come round for 8 s: hosts wait",
                    "reactor b has not come round for 8 s: hosts wait")) {
                results = List.of(new Looked("reactors", new Result(Result.Status.CRITICAL, said)));
                health.look();
            }

            assertThat(events.getEvents())
                    .extracting(NodeEvent::message)
                    .containsExactly(
                            "CRITICAL: reactor a has not come round for 6 s: hosts wait",
                            "CRITICAL: reactor b has not come round for 8 s: hosts wait");
        }
    }

    @Test
    void eachProblemIsToldByItselfAndAllOfThemAreBounded() {
        try (var events = new ManagedEvents(server);
                var health = new ManagedHealth(() -> results, events, server)) {
            var log = new FormattingResultLog();
            log.info("all is looked at");
            log.critical("a is wrong; mend it");
            log.warn("b is worn");
            results = List.of(new Looked("two", new Result(log)), new Looked("long", tooMuch()));

            health.look();

            var two = health.getChecks().get("two");
            assertThat(two.problems()).containsExactly("a is wrong; mend it", "b is worn");
            assertThat(two.message()).isEqualTo("a is wrong; mend it; b is worn");
            assertThat(health.getChecks().get("long").message())
                    .hasSize(2000 + 3)
                    .endsWith("...");
        }
    }

    private static Result tooMuch() {
        var log = new FormattingResultLog();
        for (int i = 0; i < 100; i++) {
            log.warn("x".repeat(98));
        }
        return new Result(log);
    }

    private record Looked(String name, Result result) implements HealthCheckExecutionResult {
        @Override
        public Result getHealthCheckResult() {
            return result;
        }

        @Override
        public long getElapsedTimeInMs() {
            return 1;
        }

        @Override
        public Date getFinishedAt() {
            return new Date();
        }

        @Override
        public boolean hasTimedOut() {
            return false;
        }

        @Override
        public HealthCheckMetadata getHealthCheckMetadata() {
            return new HealthCheckMetadata(new Named(name));
        }
    }

    /** What Felix reads the name and the tags of a check from. */
    private record Named(String name) implements ServiceReference<HealthCheck> {
        @Override
        public Object getProperty(String key) {
            return switch (key) {
                case HealthCheck.NAME -> name;
                case HealthCheck.TAGS -> new String[] {NodeChecks.READY};
                case "service.id" -> (long) name.hashCode();
                default -> null;
            };
        }

        @Override
        public String[] getPropertyKeys() {
            return new String[] {HealthCheck.NAME, HealthCheck.TAGS};
        }

        @Override
        public Dictionary<String, Object> getProperties() {
            return new Hashtable<>();
        }

        @Override
        public Bundle getBundle() {
            return null;
        }

        @Override
        public Bundle[] getUsingBundles() {
            return new Bundle[0];
        }

        @Override
        public boolean isAssignableTo(Bundle bundle, String className) {
            return true;
        }

        @Override
        public int compareTo(Object other) {
            return 0;
        }

        @Override
        public <A> A adapt(Class<A> type) {
            return null;
        }
    }
}
