package io.doorbell.lab.tcp;

import io.doorbell.target.ControllerEvents;
import io.doorbell.target.ControllerSetup;
import io.doorbell.target.HostIdentity;
import io.doorbell.target.TargetController;
import io.doorbell.target.TargetSubsystem;
import java.util.List;

/** A subsystem that names its hosts, of which nobody is one. */
record ForNobody(TargetSubsystem subsystem) implements TargetSubsystem {
    @Override
    public boolean allows(String hostNqn) {
        return false;
    }

    @Override
    public String nqn() {
        return subsystem.nqn();
    }

    @Override
    public String serial() {
        return subsystem.serial();
    }

    @Override
    public String model() {
        return subsystem.model();
    }

    @Override
    public List<AllocatedNamespace> namespaces() {
        return subsystem.namespaces();
    }

    @Override
    public TargetController createController(ControllerSetup setup, HostIdentity host, ControllerEvents events) {
        return subsystem.createController(setup, host, events);
    }
}
