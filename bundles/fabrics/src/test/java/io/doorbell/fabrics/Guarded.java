package io.doorbell.fabrics;

import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.target.ControllerEvents;
import io.doorbell.target.ControllerSetup;
import io.doorbell.target.HostIdentity;
import io.doorbell.target.TargetController;
import io.doorbell.target.TargetSubsystem;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A subsystem for some hosts only. */
final class Guarded implements TargetSubsystem, AutoCloseable {
    static final String NQN = "nqn.2026-11.io.doorbell:guarded";

    final List<Runnable> watchers = new ArrayList<>();
    private final NvmSubsystem subsystem = new NvmSubsystem(NQN, "SN3", "Model");
    boolean authentic;
    private Set<String> hosts;

    Guarded(Set<String> hosts) {
        this.hosts = hosts;
    }

    void allow(Set<String> others) {
        allowUnsaid(others);
        watchers.forEach(Runnable::run);
    }

    /** As for the moment before those who watch are told. */
    void allowUnsaid(Set<String> others) {
        hosts = others;
    }

    @Override
    public boolean allows(String hostNqn) {
        return hosts.contains(hostNqn);
    }

    @Override
    public boolean requiresAuthentication() {
        return authentic;
    }

    @Override
    public void watchAccess(Runnable told) {
        watchers.add(told);
    }

    @Override
    public void unwatchAccess(Runnable told) {
        watchers.remove(told);
    }

    @Override
    public String nqn() {
        return NQN;
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

    @Override
    public void close() {
        subsystem.close();
    }
}
