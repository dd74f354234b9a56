package io.doorbell.rdmanic;

import static org.assertj.core.api.Assumptions.assumeThat;

import io.doorbell.verbs.VerbsContract;
import io.doorbell.verbs.VerbsDevice;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** A device of this machine that is connected with itself; skipped where there is none. {@code ./doorbell lab rdma-nic} has one in any case. */
class NicContractTest extends VerbsContract {
    static final Path SYSTEM = Path.of("/sys/class/infiniband");
    private static final Duration BOUND = Duration.ofSeconds(20);

    private static NicDevices devices;
    private static NicDevice device;

    @BeforeAll
    static void findDevice() throws InterruptedException {
        assumeThat(SYSTEM.toFile().list()).as("RDMA devices of this machine").isNotEmpty();
        var found = new LinkedBlockingQueue<NicDevice>();
        devices = NicDevices.watch(Engine.AUTO, Set.of(), found::add, found::remove);
        device = found.poll(BOUND.toSeconds(), TimeUnit.SECONDS);
        assumeThat(device).as("an RDMA device with an IP address").isNotNull();
    }

    @AfterAll
    static void close() {
        if (devices != null) {
            devices.close();
        }
    }

    @Override
    protected VerbsDevice active() {
        return device;
    }

    @Override
    protected VerbsDevice passive() {
        return device;
    }
}
