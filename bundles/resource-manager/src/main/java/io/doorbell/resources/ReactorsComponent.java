package io.doorbell.resources;

import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import java.util.List;
import java.util.Map;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The node's reactors as a service. */
@Component(service = Reactors.class, configurationPid = Options.PID)
public final class ReactorsComponent implements Reactors {
    private static final Logger LOG = LoggerFactory.getLogger(ReactorsComponent.class);

    private final ReactorPool pool;
    private Map<String, Integer> cpus = Map.of();

    @Activate
    public ReactorsComponent(Options options) {
        pool = new ReactorPool(reactorOptions(options));
    }

    /** Reactors that live go on, and take up what they can. */
    @Modified
    void modified(Options options) {
        pool.configure(reactorOptions(options));
    }

    @Deactivate
    void deactivate() {
        pool.close();
    }

    private ReactorOptions reactorOptions(Options options) {
        try {
            cpus = ReactorOptions.parseCpus(List.of(options.reactor_cpus()));
        } catch (IllegalArgumentException mistake) {
            LOG.error(
                    "config/{}.cfg: reactor.cpus = {}. What was in force before stays so: {}",
                    Options.PID,
                    mistake.getMessage(),
                    cpus);
        }
        return new ReactorOptions(
                options.reactor_pin(), options.reactor_spin_cycles(), options.reactor_yield_cycles(), cpus);
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
