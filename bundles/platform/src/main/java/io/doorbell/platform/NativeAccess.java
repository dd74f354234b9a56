package io.doorbell.platform;

import java.util.Optional;

/**
 * Whether this JVM may make native calls for this module. Every entry of the package asks here first, so that a missing flag is one message with
 * the flag in it and not a stack trace from the linker. Any thread.
 */
public final class NativeAccess {
    private NativeAccess() {}

    /**
     * Says nothing if native calls can be made.
     *
     * @throws PlatformException with the exact remedy if they cannot
     */
    public static void require() {
        problem().ifPresent(problem -> {
            throw new PlatformException(problem);
        });
    }

    /** What stands in the way of native calls and what to do about it; empty if nothing does. */
    public static Optional<String> problem() {
        var module = NativeAccess.class.getModule();
        return problem(
                System.getProperty("os.name"),
                System.getProperty("os.arch"),
                module.isNativeAccessEnabled(),
                module.isNamed() ? module.getName() : "ALL-UNNAMED");
    }

    static Optional<String> problem(String os, String architecture, boolean enabled, String moduleName) {
        // Layouts, flag values and the order of doorbell stores are those of x86-64; nobody has proved them elsewhere.
        if (!os.equals("Linux") || !architecture.equals("amd64")) {
            return Optional.of("Doorbell runs on Linux on x86-64 (amd64) only; this JVM is for " + os + " on "
                    + architecture + ".");
        }
        if (!enabled) {
            return Optional.of("This JVM may not call native code. Start it with --enable-native-access=" + moduleName);
        }
        return Optional.empty();
    }
}
