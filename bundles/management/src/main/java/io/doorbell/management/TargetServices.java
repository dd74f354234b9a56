package io.doorbell.management;

import io.doorbell.configuration.ConfigurationFiles;
import io.doorbell.lease.LeaseRegistry;
import io.doorbell.target.IoUsage;
import io.doorbell.target.ListenerOperator;
import io.doorbell.target.SubsystemOperator;
import io.doorbell.target.TargetSubsystem;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsProvider;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** What of the target side there is now: services come and go. Any thread. */
final class TargetServices {
    /** How long a change of configuration takes to reach who uses it; some milliseconds in a node that is well. */
    private static final Duration IN_FORCE_BOUND = Duration.ofSeconds(30);

    private static final long LOOK_MILLIS = 5;

    final LeaseRegistry leases;
    final ConfigurationFiles files;

    private final Map<TargetSubsystem, String> subsystems = new ConcurrentHashMap<>();
    private final Map<SubsystemOperator, String> operators = new ConcurrentHashMap<>();
    private final Map<ListenerOperator, String> listeners = new ConcurrentHashMap<>();
    private final Map<VerbsProvider, String> verbs = new ConcurrentHashMap<>();

    TargetServices(LeaseRegistry leases, ConfigurationFiles files) {
        this.leases = leases;
        this.files = files;
    }

    void add(TargetSubsystem subsystem) {
        subsystems.put(subsystem, subsystem.nqn());
    }

    void remove(TargetSubsystem subsystem) {
        subsystems.remove(subsystem);
    }

    /** @param pid the name of its file without {@code .cfg} */
    void add(SubsystemOperator operator, String pid) {
        operators.put(operator, pid);
    }

    void remove(SubsystemOperator operator) {
        operators.remove(operator);
    }

    void add(ListenerOperator listener, String pid) {
        listeners.put(listener, pid);
    }

    void remove(ListenerOperator listener) {
        listeners.remove(listener);
    }

    void add(VerbsProvider provider) {
        verbs.put(provider, provider.name());
    }

    void remove(VerbsProvider provider) {
        verbs.remove(provider);
    }

    /** By qualified name. */
    SortedMap<String, TargetSubsystem> subsystems() {
        var byNqn = new TreeMap<String, TargetSubsystem>();
        subsystems.forEach((subsystem, nqn) -> byNqn.put(nqn, subsystem));
        return byNqn;
    }

    /** By qualified name. One that goes while we look is left out. */
    SortedMap<String, SubsystemOperator> operators() {
        var byNqn = new TreeMap<String, SubsystemOperator>();
        for (var operator : operators.keySet()) {
            ask(operator::nqn).ifPresent(nqn -> byNqn.put(nqn, operator));
        }
        return byNqn;
    }

    SubsystemOperator operator(String nqn) {
        return Operation.one(operators(), nqn, "subsystem");
    }

    String fileOf(SubsystemOperator operator) {
        return operators.getOrDefault(operator, "") + ".cfg";
    }

    /** By name. One that goes while we look is left out. */
    SortedMap<String, ListenerOperator> listeners() {
        var byName = new TreeMap<String, ListenerOperator>();
        for (var listener : listeners.keySet()) {
            ask(listener::name).ifPresent(name -> byName.put(name, listener));
        }
        return byName;
    }

    String fileOf(ListenerOperator listener) {
        return listeners.getOrDefault(listener, "") + ".cfg";
    }

    List<VerbsDevice> verbsDevices() {
        return verbs.keySet().stream()
                .flatMap(provider -> ask(provider::devices).orElse(List.of()).stream())
                .toList();
    }

    /** What hosts have done with all subsystems, by qualified name of the subsystem. */
    SortedMap<String, List<IoUsage>> usage() {
        var usage = new TreeMap<String, List<IoUsage>>();
        operators().forEach((nqn, operator) -> ask(operator::usage).ifPresent(each -> usage.put(nqn, each)));
        return usage;
    }

    /**
     * Asks a service whose bundle may be stopped, replaced or uninstalled at this moment: what it is about ends then, its classes can be loaded
     * no more, and its service is about to go, too.
     *
     * @return its answer, or nothing when it goes
     */
    static <T> Optional<T> ask(Supplier<T> question) {
        try {
            return Optional.of(question.get());
        } catch (IllegalStateException | LinkageError gone) {
            return Optional.empty();
        }
    }

    /** Waits until a change of configuration is in force. */
    static boolean awaitInForce(BooleanSupplier condition) {
        long deadline = System.nanoTime() + IN_FORCE_BOUND.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            try {
                Thread.sleep(LOOK_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return condition.getAsBoolean();
            }
        }
        return true;
    }
}
