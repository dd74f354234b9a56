package io.doorbell.management;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;
import org.apache.felix.hc.api.Result;
import org.apache.felix.hc.api.ResultLog;
import org.apache.felix.hc.api.execution.HealthCheckExecutionResult;

/** {@code io.doorbell:type=Health}: what the checks said last, and since when. Any thread. */
final class ManagedHealth implements HealthMXBean, AutoCloseable {
    private static final int MAX_MESSAGE = 2000;

    private static final String BETWEEN = "; ";

    /** What goes up and down while the reason stays: a word that is a number. */
    private static final Pattern AMOUNT = Pattern.compile("(?<!\\S)\\d+(?!\\S)");

    private final Supplier<List<HealthCheckExecutionResult>> checks;
    private final ManagedEvents events;
    private final Registration registration;

    private volatile SortedMap<String, CheckRow> rows = new TreeMap<>();

    /** By check, without amounts. Guarded by this. */
    private Map<String, Set<String>> reasons = new HashMap<>();

    /** @param checks has all checks looked at */
    ManagedHealth(Supplier<List<HealthCheckExecutionResult>> checks, ManagedEvents events, MBeanServer server) {
        this.checks = checks;
        this.events = events;
        this.registration = Registration.of(
                server,
                Registration.name("Health"),
                new DescribedMBean<>(this, HealthMXBean.class, new NotificationBroadcasterSupport()));
    }

    /** Looks again, and tells of what has changed. */
    synchronized void look() {
        var before = rows;
        var known = reasons;
        var next = new TreeMap<String, CheckRow>();
        var found = new HashMap<String, Set<String>>();
        for (var result : checks.get()) {
            var row = row(result, before.get(result.getHealthCheckMetadata().getName()));
            next.put(row.name(), row);
            found.put(row.name(), reasons(result.getHealthCheckResult()));
        }
        rows = next;
        reasons = found;
        next.forEach((name, row) -> {
            var was = before.get(name);
            var status = was == null ? "OK" : was.status();
            boolean isNew = !status.equals(row.status())
                    || !known.getOrDefault(name, Set.of()).containsAll(found.get(name));
            if (!row.isOk() && isNew) {
                events.tell("alarm.raised", name, row.status() + ": " + row.message());
            } else if (row.isOk() && !status.equals("OK")) {
                events.tell("alarm.cleared", name, "was " + status);
            }
        });
        before.forEach((name, row) -> {
            if (!row.isOk() && !next.containsKey(name)) {
                events.tell("alarm.cleared", name, "was " + row.status() + "; its check is gone");
            }
        });
    }

    private static CheckRow row(HealthCheckExecutionResult result, CheckRow before) {
        var metadata = result.getHealthCheckMetadata();
        var status = result.getHealthCheckResult().getStatus().name();
        long since =
                before != null && before.status().equals(status) ? before.sinceMillis() : System.currentTimeMillis();
        var problems = bounded(problems(result.getHealthCheckResult()));
        return new CheckRow(
                metadata.getName(), status, problems, String.join(BETWEEN, problems), metadata.getTags(), since);
    }

    /** What is worth saying: all of it where something is wrong. */
    private static Stream<String> problems(Result result) {
        return result.isOk()
                ? Stream.empty()
                : StreamSupport.stream(result.spliterator(), false)
                        .filter(entry -> entry.getStatus() != Result.Status.OK)
                        .map(ResultLog.Entry::getMessage);
    }

    private static Set<String> reasons(Result result) {
        return problems(result)
                .map(problem -> AMOUNT.matcher(problem).replaceAll("N"))
                .collect(Collectors.toSet());
    }

    /** As much of them as an event and an answer carry. */
    private static List<String> bounded(Stream<String> problems) {
        var said = new ArrayList<String>();
        int left = MAX_MESSAGE;
        for (var problem : (Iterable<String>) problems::iterator) {
            if (problem.length() > left) {
                said.add(problem.substring(0, left) + "...");
                break;
            }
            said.add(problem);
            left = Math.max(0, left - problem.length() - BETWEEN.length());
        }
        return said;
    }

    @Override
    public SortedMap<String, CheckRow> getChecks() {
        return new TreeMap<>(rows);
    }

    @Override
    public List<CheckRow> getAlarms() {
        return rows.values().stream().filter(row -> !row.isOk()).toList();
    }

    @Override
    public boolean isLive() {
        return serves(NodeChecks.LIVE);
    }

    @Override
    public boolean isReady() {
        return isLive() && serves(NodeChecks.READY);
    }

    private boolean serves(String tag) {
        var now = rows;
        return !now.isEmpty()
                && now.values().stream().filter(row -> row.tags().contains(tag)).allMatch(CheckRow::serves);
    }

    @Override
    public void close() {
        registration.close();
    }
}
