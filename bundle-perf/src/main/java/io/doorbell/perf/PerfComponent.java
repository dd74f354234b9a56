package io.doorbell.perf;

import io.doorbell.lease.ResourceManager;
import io.doorbell.workload.WorkloadRun;
import io.doorbell.workload.WorkloadRunner;
import java.io.PrintWriter;
import java.util.List;
import java.util.spi.ToolProvider;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * {@link Perf} in a container. Nothing to configure: each run has its flags. Immediate: a run goes on when whoever started
 * it lets go of the service.
 */
@Component(
        service = {ToolProvider.class, WorkloadRunner.class},
        property = PerfComponent.COMMAND_PROPERTY + "=perf",
        immediate = true)
public final class PerfComponent implements ToolProvider, WorkloadRunner {
    /** By this the command line finds a command. */
    static final String COMMAND_PROPERTY = "doorbell.command";

    private final Perf perf;

    @Activate
    public PerfComponent(@Reference ResourceManager resourceManager) {
        perf = new Perf(resourceManager);
    }

    /** Ends all runs: their leases and threads are gone when this returns. */
    @Deactivate
    void deactivate() {
        perf.close();
    }

    @Override
    public String name() {
        return perf.name();
    }

    @Override
    public int run(PrintWriter out, PrintWriter err, String... args) {
        return perf.run(out, err, args);
    }

    @Override
    public WorkloadRun start(List<String> flags) {
        PerfOptions.parse(flags).requireNamesOfWhatIsWritten();
        return perf.start(flags);
    }

    @Override
    public List<WorkloadRun> runs() {
        return perf.runs();
    }
}
