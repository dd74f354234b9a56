package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Every figure that an MBean has is compared with the truth by a test, or counts nothing: one that is added, or that its test knows no more, fails
 * here until it is said below which test does.
 */
class FiguresTest {
    private static final Path MANAGEMENT = Path.of("bundles/management/src/main/java/io/doorbell/management");
    private static final String SUFFIX = "MXBean";

    /** A row of a table, or an MBean without the suffix; its figures; the test and its method that compare them. */
    private static final String COMPARED = """
            NamespaceRow: readCommands writeCommands otherCommands failedCommands: CountersIT compareWork
            NamespaceRow: readBytes writtenBytes: CountersIT compareWork
            HostRow: readCommands writeCommands otherCommands failedCommands readBytes writtenBytes: CountersIT compareWork
            HostRow: connections: CountersIT compareConnection
            Namespaces: NamespaceCount: CountersIT whatAHostDidIsWhatEveryTableSays
            Latency: samples: CountersIT compareWork
            ConnectionRow: commands inFlight: CountersIT compareConnection
            LeaseSnapshot: submitted completed failed inFlight: CountersIT compareConnection
            BundleRow: leases: CountersIT compareConnection
            Counters: Counters: CountersIT connectionsThatAreRefusedOrTerminatedAreCounted
            Counters: Counters: CountersIT packetsOfRdmaAndThoseThatAreDroppedAreCounted
            Connections: ConnectionCount: OperateIT connectionsAreTheSameEverywhere
            ListenerRow: connections: OperateIT connectionsAreTheSameEverywhere
            Leases: LeaseCount: OperateIT connectionsAreTheSameEverywhere
            ControllerHealth: readCommands writeCommands: OperateIT whatPerfSaysOverPciIsWhatItsLeasesAndTheSmartLogSay
            ControllerHealth: bytesRead bytesWritten powerOnHours unsafeShutdowns mediaErrors: ControllerHealthTest everyFigureIsThatOfTheLog
            ControllerHealth: temperatureCelsius percentageUsed availableSparePercent: ControllerHealthTest everyFigureIsThatOfTheLog
            PerfRun: completed failed: OperateIT perf
            PerfRun: iops: ManagedPerfRunsTest listsRunsById
            PerfRuns: ActiveCount: ManagedPerfRunsTest listsRunsById
            Capacity: total leased guaranteed: ManagedLeasesTest showsCapacityByController
            LeaseEvent: inFlight aborted: ManagedLeasesTest revokesALeaseAndReturnsTheTimeOfEachStep
            Leases: DroppedNotifications: ManagedLeasesTest dropsNotificationsRatherThanWaitForASlowListener
            Events: LatestId DroppedNotifications: ManagedEventsTest theLatestAreKeptAndASlowListenerLosesSome
            ReactorRow: cycles busyCycles parks pollers pollerFailures: ManagedReactorsTest showsTheCountersOfEachReactorByName
            Reactors: ReactorCount: ManagedReactorsTest showsTheCountersOfEachReactorByName
            Sample: readIops writeIops otherIops failedIops: ManagedHistoryTest aSampleIsWhatEndedInItsIntervalAndNothingBefore
            Sample: readBytesPerSecond writtenBytesPerSecond: ManagedHistoryTest aSampleIsWhatEndedInItsIntervalAndNothingBefore
            """;

    /** What these have is no count: names by number, settings, times, and what the machine says of itself. */
    private static final String NOT_COUNTED = """
            NamespaceRow: nsid blockCount blockBytes bytes group
            Latency: meanMicros p50Micros p90Micros p99Micros p999Micros maxMicros
            ConnectionRow: leaseId queueId depth connectedAtMillis
            LeaseSnapshot: id queueId holderBundleId epoch depth grantedAtMillis ageNanos lastPollNanos
            LeaseEvent: timeMillis drainNanos abortNanos deleteNanos closeNanos
            ListenerRow: port maxConnections
            Controller: ControllerId MaxTransferBytes IoQueuePairs MaxQueueEntries
            ControllerHealth: readAtMillis availableSpareThresholdPercent criticalWarning
            ManagedNamespace: nsid blockCount blockBytes metadataBytes optimalBoundaryBlocks zoneBlocks
            PerfRun: id startedAtMillis seconds mebibytesPerSecond
            PerfRun: latencyMicrosAverage latencyMicrosP50 latencyMicrosP99 latencyMicrosMax
            ReactorRow: cpu sinceCycleNanos
            Reactors: AllowedCpus ConfiguredCpus
            Sample: timeMillis readMeanMicros readP99Micros writeMeanMicros writeP99Micros
            History: IntervalSeconds
            NodeEvent: id timeMillis
            CheckRow: sinceMillis
            ConfigurationFileStatus: changedAtMillis
            PluginFile: bytes changedAtMillis
            Deployment: MaxBytes
            Node: Pid StartedAtMillis UptimeMillis Cpus HeapUsedBytes HeapMaxBytes MemoryTotalBytes MemoryAvailableBytes
            Node: HugePageBytes HugePagesTotal HugePagesFree LockedMemoryLimitBytes
            """;

    /** One line of the above. */
    private record Line(String of, List<String> figures, String test) {
        static List<Line> all(String lines) {
            return lines.lines().map(Line::of).toList();
        }

        private static Line of(String line) {
            var parts = line.split(": ");
            return new Line(parts[0], List.of(parts[1].split(" ")), parts.length > 2 ? parts[2] : "");
        }
    }

    private static TreeSet<String> figures() throws IOException, ClassNotFoundException {
        var figures = new TreeSet<String>();
        try (var files = Files.list(SourceSizeTest.ROOT.resolve(MANAGEMENT))) {
            for (var file : files.toList()) {
                var name = file.getFileName().toString().replace(".java", "");
                if (name.endsWith(SUFFIX)) {
                    var bean = Class.forName("io.doorbell.management." + name);
                    for (var method : bean.getMethods()) {
                        if (method.getParameterCount() == 0 && method.getName().startsWith("get")) {
                            var attribute = method.getName().substring("get".length());
                            collect(name.replace(SUFFIX, "") + " " + attribute, method.getGenericReturnType(), figures);
                        }
                    }
                }
            }
        }
        return figures;
    }

    private static void collect(String name, Type type, TreeSet<String> into) {
        if (type instanceof ParameterizedType table) {
            // Of a map, the values.
            collect(name, table.getActualTypeArguments()[table.getActualTypeArguments().length - 1], into);
        } else if (type instanceof Class<?> row && row.isRecord()) {
            for (var component : row.getRecordComponents()) {
                collect(row.getSimpleName() + " " + component.getName(), component.getGenericType(), into);
            }
        } else if (type instanceof Class<?> one
                && (Number.class.isAssignableFrom(one)
                        || one.isPrimitive() && one != boolean.class && one != char.class && one != void.class)) {
            into.add(name);
        }
    }

    @Test
    void everyFigureIsComparedOrCountsNothing() throws IOException, ClassNotFoundException {
        var said = new TreeSet<String>();
        for (var line : Line.all(COMPARED + NOT_COUNTED)) {
            line.figures().forEach(figure -> said.add(line.of() + " " + figure));
        }

        assertThat(said).isEqualTo(figures());
    }

    @Test
    void theTestThatComparesAFigureKnowsIt() throws IOException {
        for (var line : Line.all(COMPARED)) {
            var test = line.test().split(" ");
            var text = source(test[0] + ".java");
            assertThat(text).as(line.test()).contains(" " + test[1] + "(");
            assertThat(line.figures())
                    .allSatisfy(figure -> assertThat(
                                    Arrays.asList("\"" + figure + "\"", "." + figure + "()", ".get" + figure + "()"))
                            .as(figure + " in " + test[0])
                            .anyMatch(text::contains));
        }
    }

    private static String source(String file) throws IOException {
        for (var folder : List.of("runtime", "bundles/management")) {
            try (var files = Files.walk(SourceSizeTest.ROOT.resolve(folder).resolve("src/test"))) {
                var found = files.filter(each -> each.getFileName().toString().equals(file))
                        .findAny();
                if (found.isPresent()) {
                    return Files.readString(found.get());
                }
            }
        }
        throw new AssertionError("there is no test " + file);
    }
}
