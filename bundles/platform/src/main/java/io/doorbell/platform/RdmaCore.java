package io.doorbell.platform;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.util.Optional;

/**
 * Whether this process can reach RDMA devices through rdma-core: librdmacm and libibverbs, which are looked for when somebody asks, and loaded once.
 * Any thread.
 */
public final class RdmaCore {
    static final String CM = "librdmacm.so.1";
    static final String VERBS = "libibverbs.so.1";

    /** As libibverbs' {@code enum ibv_device_cap_flags}. */
    public static final int WINDOWS_TYPE_2B = 1 << 24;

    /** Local invalidation, and sends that invalidate. */
    public static final int MEMORY_MANAGEMENT_EXTENSIONS = 1 << 21;

    private RdmaCore() {}

    /** What stands in the way, and what to do about it; empty when both libraries are there. */
    public static Optional<String> problem() {
        return NativeAccess.problem().or(() -> missing(CM)).or(() -> missing(VERBS));
    }

    @SuppressWarnings("restricted")
    static Optional<String> missing(String library) {
        try {
            // Safety: the libraries are those of rdma-core, whose initializers have no effect on the process.
            SymbolLookup.libraryLookup(library, Arena.global());
            return Optional.empty();
        } catch (IllegalArgumentException absent) {
            return Optional.of(library + " is not installed (on Debian: packages librdmacm1 and ibverbs-providers)");
        }
    }

    static void require() {
        problem().ifPresent(problem -> {
            throw new PlatformException(problem);
        });
    }
}
