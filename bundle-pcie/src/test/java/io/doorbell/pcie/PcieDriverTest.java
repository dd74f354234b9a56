package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmeController;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

class PcieDriverTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    private final EmulatedRig rig = new EmulatedRig();
    private final List<NvmeController> services = new CopyOnWriteArrayList<>();
    private Runnable binds = () -> {};
    private final PcieDriver driver = new PcieDriver(context(), defaults());

    @AfterEach
    void close() {
        driver.deactivate();
        rig.close();
    }

    /** As much of a framework as the driver uses: services come and go. */
    private BundleContext context() {
        return as(BundleContext.class, (proxy, method, arguments) -> {
            assertThat(method.getName()).isEqualTo("registerService");
            var service = (NvmeController) arguments[1];
            services.add(service);
            binds.run();
            return as(ServiceRegistration.class, (registration, call, none) -> {
                assertThat(call.getName()).isEqualTo("unregister");
                services.remove(service);
                return null;
            });
        });
    }

    private static PcieDriver.Config defaults() {
        return as(PcieDriver.Config.class, (proxy, method, none) -> method.getDefaultValue());
    }

    private static <T> T as(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    @Test
    void drivesAFunctionOnceItsPredecessorLetsGo() {
        var predecessor = PcieController.open(rig.function, PcieOptions.DEFAULTS);
        var function = new WrappedFunction(rig.function);

        driver.addFunction(function);
        await().atMost(BOUND).until(() -> function.refused.get() > 0);
        predecessor.close();

        await().atMost(BOUND).until(() -> services.size() == 1);
        assertThat(services.getFirst().state()).isEqualTo(ControllerState.READY);
    }

    @Test
    void letsAFunctionGoWhileItsServiceIsBeingBound() {
        var removing = new CopyOnWriteArrayList<Thread>();
        binds = () -> {
            var remover = Thread.ofVirtual().start(() -> driver.removeFunction(rig.function));
            removing.add(remover);
            // It has said that it closes, and waits for us: it could not if we held a lock.
            await().atMost(BOUND).until(() -> remover.getState() == Thread.State.TIMED_WAITING);
        };

        driver.addFunction(rig.function);

        await().atMost(BOUND)
                .until(() -> !removing.isEmpty() && !removing.getFirst().isAlive());
        assertThat(services).isEmpty();
        PcieController.open(rig.function, PcieOptions.DEFAULTS).close();
    }
}
