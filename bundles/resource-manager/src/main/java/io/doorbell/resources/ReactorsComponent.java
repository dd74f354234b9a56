package io.doorbell.resources;

import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import java.util.List;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;

/** The node's reactors as a service. */
@Component(service = Reactors.class, configurationPid = Options.PID)
public final class ReactorsComponent implements Reactors {
    private final ReactorPool pool;

    @Activate
    public ReactorsComponent(Options options) {
        pool = new ReactorPool(reactorOptions(options));
    }

    /** Reactors that live go on as they are. */
    @Modified
    void modified(Options options) {
        pool.configure(reactorOptions(options));
    }

    @Deactivate
    void deactivate() {
        pool.close();
    }

    private static ReactorOptions reactorOptions(Options options) {
        return new ReactorOptions(options.reactor_pin(), options.reactor_spin_cycles(), options.reactor_yield_cycles());
    }

    @Override
    public Reactor open(String name, Role role, int cpu) {
        return pool.open(name, role, cpu);
    }

    @Override
    public List<Reactor> reactors() {
        return pool.reactors();
    }
}
