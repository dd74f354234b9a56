package io.doorbell.emulator;

import java.util.function.Consumer;

/** What an emulated device does wrong, as data. */
public final class FaultPlan {
    /** Nothing. */
    public static final FaultPlan NONE = new FaultPlan();

    private FaultPlan() {}

    boolean isEmpty() {
        return true;
    }

    FaultPlan attached(Consumer<String> remove) {
        return this;
    }

    boolean apply(EmulatedRequest request, boolean admin, long nowNanos) {
        return false;
    }
}
