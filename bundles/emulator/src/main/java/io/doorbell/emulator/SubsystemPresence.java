package io.doorbell.emulator;

import io.doorbell.target.TargetSubsystem;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * What is there while a subsystem of a name is: begun when one comes, ended when it goes. There is one at a time; while two
 * subsystems have the name, the second waits for the first to go. Control plane, any thread.
 */
public final class SubsystemPresence {

    private record Begun(TargetSubsystem subsystem, Runnable end) {}

    // Guarded by this.
    private final Map<TargetSubsystem, String> subsystems = new LinkedHashMap<>();
    private String nqn;
    private Function<TargetSubsystem, Runnable> begin;
    private Begun begun;

    /**
     * Ends what is there and begins anew.
     *
     * @param nqn of the subsystem; null for none
     * @param begin makes it, and returns how it ends, or null when it could not be made
     */
    public synchronized void want(String nqn, Function<TargetSubsystem, Runnable> begin) {
        end();
        this.nqn = nqn;
        this.begin = Objects.requireNonNull(begin, "begin");
        beginIfThere();
    }

    /** @param properties of the service */
    public synchronized void comes(TargetSubsystem subsystem, Map<String, ?> properties) {
        subsystems.put(subsystem, String.valueOf(properties.get(TargetSubsystem.NQN_PROPERTY)));
        beginIfThere();
    }

    public synchronized void goes(TargetSubsystem subsystem) {
        subsystems.remove(subsystem);
        if (begun != null && begun.subsystem() == subsystem) {
            end();
            beginIfThere();
        }
    }

    /** Ends what is there. */
    public synchronized void end() {
        var was = begun;
        begun = null;
        if (was != null) {
            was.end().run();
        }
    }

    private void beginIfThere() {
        if (begun != null) {
            return;
        }
        for (var each : subsystems.entrySet()) {
            if (each.getValue().equals(nqn)) {
                var end = begin.apply(each.getKey());
                begun = end == null ? null : new Begun(each.getKey(), end);
                return;
            }
        }
    }
}
