package io.doorbell.management;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.workload.WorkloadRun;
import io.doorbell.workload.WorkloadRunner;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.TabularData;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ManagedPerfRunsTest {
    private static final ObjectName NAME = Registration.name("PerfRuns");

    private final MBeanServer server = MBeanServerFactory.newMBeanServer();
    private final TestRunner runner = new TestRunner();
    private final ManagedPerfRuns runs = new ManagedPerfRuns(runner, server);

    @AfterEach
    void close() {
        runs.close();
        assertThat(server.isRegistered(NAME)).isFalse();
    }

    @Test
    void startsARunFromOneLineWithQuotes() throws Exception {
        var run = (CompositeData) server.invoke(
                NAME, "start", new Object[] {"-q 32  -w randread -r 'trtype:EMULATED traddr:nvme0'"}, new String[] {
                    "java.lang.String"
                });

        assertThat(runner.started)
                .containsExactly(List.of("-q", "32", "-w", "randread", "-r", "trtype:EMULATED traddr:nvme0"));
        assertThat(run.get("id")).isEqualTo(1L);
        assertThat(run.get("state")).isEqualTo("RUNNING");
    }

    @Test
    void startsARunFromAListAsItIs() throws Exception {
        server.invoke(
                NAME,
                "startWith",
                new Object[] {new String[] {"-r", "trtype:EMULATED traddr:nvme0", "it's"}},
                new String[] {String[].class.getName()});

        assertThat(runner.started).containsExactly(List.of("-r", "trtype:EMULATED traddr:nvme0", "it's"));
    }

    @Test
    void listsRunsById() throws Exception {
        runner.start(List.of("-q", "1"));
        runner.start(List.of("-q", "2")).stop();

        var table = (TabularData) server.getAttribute(NAME, "Runs");

        var first = (CompositeData) table.get(new Object[] {1L}).get("value");
        assertThat(first.get("flags")).isEqualTo("-q 1");
        assertThat(first.get("completed")).isEqualTo(100L);
        assertThat(first.get("iops")).isEqualTo(50.0);
        assertThat(first.get("latencyMicrosP99")).isEqualTo(0.0);
        assertThat(server.getAttribute(NAME, "ActiveCount")).isEqualTo(1);
    }

    @Test
    void stopsTheRunThatIsNamedAndNoOther() throws Exception {
        runner.start(List.of("-q", "1"));
        runner.start(List.of("-q", "2"));

        server.invoke(NAME, "stop", new Object[] {2L}, new String[] {"long"});

        assertThat(runner.runs())
                .extracting(WorkloadRun::state)
                .containsExactly(WorkloadRun.State.RUNNING, WorkloadRun.State.SUCCEEDED);
    }

    @Test
    void namesTheRunsThereAreWhenOneIsNotThere() {
        runner.start(List.of("-q", "1"));

        assertThatThrownBy(() -> runs.stop(3)).hasMessage("no run 3; runs now: 1");
    }

    @Test
    void passesOnWhatTheRunnerSaysInWordsThatEveryClientCanRead() {
        runner.refusal = new IllegalArgumentException("-q 0: 1 to 65535") {
            private static final long serialVersionUID = 1L;
        };

        assertThatThrownBy(() -> runs.start("-q 0"))
                .isExactlyInstanceOf(IllegalArgumentException.class)
                .hasMessage("-q 0: 1 to 65535")
                .hasNoCause();
    }

    @Test
    void refusesAQuoteThatIsNeverClosed() {
        assertThatThrownBy(() -> runs.start("-q 1 -r 'trtype:EMULATED"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the quote at character 9 is never closed: -q 1 -r 'trtype:EMULATED");
        assertThat(runner.started).isEmpty();
    }

    @Test
    void refusesMoreTextThanACommandLineHas() {
        assertThatThrownBy(() -> runs.start("x".repeat(10_000)))
                .hasMessage("flags of 10000 characters: at most 8192 are allowed");
        assertThatThrownBy(() -> runs.startWith(List.of("x".repeat(5_000), "y".repeat(5_000))))
                .hasMessage("flags of 10000 characters: at most 8192 are allowed");
    }

    @Test
    void partsWordsAsAShellDoes() {
        assertThat(ManagedPerfRuns.words("")).isEmpty();
        assertThat(ManagedPerfRuns.words("  a\tb ")).containsExactly("a", "b");
        assertThat(ManagedPerfRuns.words("a'b c'd \"e 'f'\" ''")).containsExactly("ab cd", "e 'f'", "");
    }

    private static final class TestRunner implements WorkloadRunner {
        private final List<List<String>> started = new ArrayList<>();
        private final List<WorkloadRun> runs = new ArrayList<>();
        private RuntimeException refusal;

        @Override
        public WorkloadRun start(List<String> flags) {
            if (refusal != null) {
                throw refusal;
            }
            started.add(flags);
            var run = new TestRun(started.size(), String.join(" ", flags));
            runs.add(run);
            return run;
        }

        @Override
        public List<WorkloadRun> runs() {
            return List.copyOf(runs);
        }
    }

    private static final class TestRun implements WorkloadRun {
        private final long id;
        private final String flags;
        private State state = State.RUNNING;

        TestRun(long id, String flags) {
            this.id = id;
            this.flags = flags;
        }

        @Override
        public long id() {
            return id;
        }

        @Override
        public String flags() {
            return flags;
        }

        @Override
        public State state() {
            return state;
        }

        @Override
        public Progress progress() {
            return new Progress(1_700_000_000_000L, 2, 100, 0, 50, 0.2, 3, 2, Double.NaN, 9, "");
        }

        @Override
        public void stop() {
            state = State.SUCCEEDED;
        }

        @Override
        public boolean await(Duration bound) {
            return state == State.SUCCEEDED;
        }
    }
}
