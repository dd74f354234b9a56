package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.verbs.VerbsContract;
import io.doorbell.verbs.VerbsDevice;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The whole contract, over a link that loses, repeats, reorders and damages. */
class LossyDeviceTest extends VerbsContract {
    private static SoftDevice active;
    private static SoftDevice passive;

    @BeforeAll
    static void openDevices() {
        var random = Seed.random("LossyDeviceTest");
        active = open(random.nextLong());
        passive = open(random.nextLong());
    }

    private static SoftDevice open(long seed) {
        var random = new Random(seed);
        return Loopback.device(
                wire -> new FaultyWire(wire, FaultyWire.Faults.MILD, new Random(random.nextLong()), false));
    }

    @AfterAll
    static void closeDevices() {
        // A link that was not bad would have proved nothing.
        assertThat(active.counters().get("drop_icrc") + passive.counters().get("drop_icrc"))
                .isPositive();
        assertThat(active.counters().get("sent_again") + passive.counters().get("sent_again"))
                .isPositive();
        active.close();
        passive.close();
    }

    @Override
    protected boolean mayLoseWhy() {
        return true;
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
