package io.doorbell.target;

import java.util.List;
import java.util.Optional;

/** The subsystems of this node (a service). Control plane, any thread. */
public interface SubsystemRegistry {
    Optional<TargetSubsystem> subsystem(String nqn);

    List<TargetSubsystem> subsystems();
}
