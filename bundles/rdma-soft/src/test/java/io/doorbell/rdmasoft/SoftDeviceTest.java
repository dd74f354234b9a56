package io.doorbell.rdmasoft;

import io.doorbell.verbs.VerbsContract;
import io.doorbell.verbs.VerbsDevice;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Two devices, over IPv4. */
class SoftDeviceTest extends VerbsContract {
    private static SoftDevice active;
    private static SoftDevice passive;

    @BeforeAll
    static void openDevices() {
        active = Loopback.device();
        passive = Loopback.device();
    }

    @AfterAll
    static void closeDevices() {
        active.close();
        passive.close();
    }

    @Override
    protected VerbsDevice active() {
        return active;
    }

    @Override
    protected VerbsDevice passive() {
        return passive;
    }
}
