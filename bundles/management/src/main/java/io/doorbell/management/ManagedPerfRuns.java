package io.doorbell.management;

import io.doorbell.workload.WorkloadRun;
import io.doorbell.workload.WorkloadRunner;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code io.doorbell:type=PerfRuns}, from its making to {@link #close}. Any thread. */
final class ManagedPerfRuns implements PerfRunsMXBean, AutoCloseable {
    /** Flags come from a client; more text than this is no command line. */
    private static final int MAX_CHARACTERS = 8192;

    private static final Logger LOG = LoggerFactory.getLogger(ManagedPerfRuns.class);

    private final WorkloadRunner runner;
    private final Registration registration;

    ManagedPerfRuns(WorkloadRunner runner, MBeanServer server) {
        this.runner = runner;
        this.registration = Registration.of(
                server,
                Registration.name("PerfRuns"),
                new DescribedMBean<>(this, PerfRunsMXBean.class, new NotificationBroadcasterSupport()));
    }

    @Override
    public SortedMap<Long, PerfRun> getRuns() {
        var runs = new TreeMap<Long, PerfRun>();
        runner.runs().forEach(run -> runs.put(run.id(), PerfRun.of(run)));
        return runs;
    }

    @Override
    public int getActiveCount() {
        return (int) runner.runs().stream().filter(run -> goesOn(run.state())).count();
    }

    private static boolean goesOn(WorkloadRun.State state) {
        return switch (state) {
            case STARTING, RUNNING, DRAINING -> true;
            case SUCCEEDED, FAILED -> false;
        };
    }

    @Override
    public PerfRun start(String flags) {
        checkLength(flags.length());
        return started(words(flags));
    }

    @Override
    public PerfRun startWith(List<String> flags) {
        checkLength(flags.stream().mapToInt(String::length).sum());
        return started(flags);
    }

    private PerfRun started(List<String> flags) {
        LOG.info("perf is started for the operator: {}", Operation.printable(String.join(" ", flags)));
        try {
            return PerfRun.of(runner.start(List.copyOf(flags)));
        } catch (IllegalArgumentException e) {
            // Anew, and without a cause: a JMX client has no class of a plug-in, and could not read the answer.
            throw new IllegalArgumentException(e.getMessage());
        } catch (IllegalStateException e) {
            throw new IllegalStateException(e.getMessage());
        } catch (LinkageError replaced) {
            throw new IllegalStateException(Operation.REPLACED);
        }
    }

    @Override
    public PerfRun stop(long runId) {
        var runs = runner.runs();
        var run = runs.stream()
                .filter(each -> each.id() == runId)
                .findAny()
                .orElseThrow(() -> new IllegalArgumentException("no run " + runId + "; runs now: "
                        + (runs.isEmpty()
                                ? "none"
                                : runs.stream()
                                        .map(each -> Long.toString(each.id()))
                                        .collect(Collectors.joining(", ")))));
        LOG.info("perf run {} is stopped for the operator", runId);
        run.stop();
        return PerfRun.of(run);
    }

    private static void checkLength(int characters) {
        if (characters > MAX_CHARACTERS) {
            throw new IllegalArgumentException(
                    "flags of " + characters + " characters: at most " + MAX_CHARACTERS + " are allowed");
        }
    }

    /** Parts a line into words the way a shell does, as far as blanks and quotes go. */
    static List<String> words(String line) {
        var words = new ArrayList<String>();
        StringBuilder word = null;
        var quote = 0;
        var quoteAt = -1;
        for (int i = 0; i < line.length(); i++) {
            var c = line.charAt(i);
            if (quote != 0 ? c == quote : c == '\'' || c == '"') {
                quoteAt = i;
                quote = quote == 0 ? c : 0;
                word = word == null ? new StringBuilder() : word; // '' is a word too
            } else if (quote == 0 && Character.isWhitespace(c)) {
                if (word != null) {
                    words.add(word.toString());
                    word = null;
                }
            } else {
                word = (word == null ? new StringBuilder() : word).append(c);
            }
        }
        if (quote != 0) {
            throw new IllegalArgumentException("the quote at character " + (quoteAt + 1) + " is never closed: " + line);
        }
        if (word != null) {
            words.add(word.toString());
        }
        return words;
    }

    @Override
    public void close() {
        registration.close();
    }
}
