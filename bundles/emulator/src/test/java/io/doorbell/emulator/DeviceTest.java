package io.doorbell.emulator;

import static org.awaitility.Awaitility.await;

import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A device with a host at it, and a namespace of 4,096 blocks of 512 bytes that does what the test tells it. */
abstract class DeviceTest {
    static final int BLOCKS = 4096;
    private static final Duration BOUND = Duration.ofSeconds(60);

    final ReactorPool reactors = new ReactorPool(new ReactorOptions(false, 200, 20));
    final BareSubsystem subsystem = new BareSubsystem(BLOCKS);
    EmulatedFunction function;
    RawHost host;

    EmulatorSettings settings() {
        return EmulatorSettings.of("nvme0").withIoQueuePairs(7).withMaxQueueEntries(256);
    }

    @BeforeEach
    void openDevice() {
        function = EmulatedFunction.create(settings(), subsystem, reactors);
        host = new RawHost(function, 8 << 20);
    }

    @AfterEach
    void closeDevice() {
        subsystem.keepPending = false;
        host.close();
        function.close();
        reactors.close();
    }

    /** On the device's reactor. */
    <T> T onDevice(Callable<T> task) {
        return function.reactor().call(task, BOUND);
    }

    void awaitPending(int count) {
        await().atMost(BOUND)
                .pollInterval(Duration.ofMillis(1))
                .until(() -> onDevice(() -> subsystem.pending.size() == count));
    }
}
