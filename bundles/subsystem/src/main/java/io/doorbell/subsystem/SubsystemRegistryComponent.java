package io.doorbell.subsystem;

import io.doorbell.target.SubsystemRegistry;
import io.doorbell.target.TargetSubsystem;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/** The {@link TargetSubsystem} services there are, whoever made them. */
@Component
public final class SubsystemRegistryComponent implements SubsystemRegistry {
    private final List<TargetSubsystem> subsystems = new CopyOnWriteArrayList<>();

    @Activate
    public SubsystemRegistryComponent() {}

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void add(TargetSubsystem subsystem) {
        subsystems.add(subsystem);
    }

    void remove(TargetSubsystem subsystem) {
        subsystems.remove(subsystem);
    }

    @Override
    public Optional<TargetSubsystem> subsystem(String nqn) {
        return subsystems.stream()
                .filter(subsystem -> subsystem.nqn().equals(nqn))
                .findFirst();
    }

    @Override
    public List<TargetSubsystem> subsystems() {
        return List.copyOf(subsystems);
    }
}
