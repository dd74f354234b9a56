package io.doorbell.lab;

import io.doorbell.lab.guest.Guest;
import java.time.Duration;

/**
 * One claim about the product, checked in the guest: passed when {@code body} returns, failed when it throws.
 *
 * @param name as reported and as chosen by {@code --case}: words with dashes
 * @param bound after which it has failed; a JVM in the guest is ten times slower than outside
 * @param newerKernel whether it is about what the release's own kernel lacks: then it runs in a guest with a newer one, after the
 *     others, and is skipped where there is none
 */
public record Case(String name, Duration bound, boolean newerKernel, Body body) {
    private static final Duration USUAL_BOUND = Duration.ofMinutes(6);

    /** What a case does. */
    @FunctionalInterface
    public interface Body {
        /** @throws Exception whatever says that the case failed; its message is the reason that is reported */
        void run(Guest guest) throws Exception;
    }

    public Case(String name, Duration bound, Body body) {
        this(name, bound, false, body);
    }

    public static Case of(String name, Body body) {
        return new Case(name, USUAL_BOUND, false, body);
    }

    public static Case onNewerKernel(String name, Body body) {
        return new Case(name, USUAL_BOUND, true, body);
    }
}
