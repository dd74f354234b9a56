package io.doorbell.perf;

import io.doorbell.host.QueuePair;
import java.util.regex.Pattern;

/**
 * What {@code -e} asks for, on namespaces with protection information.
 *
 * @param ioFlags {@link QueuePair#PROTECTION_ACTION} and the checks; 0 for none
 */
record BlockProtection(int ioFlags) {
    static final BlockProtection NONE = new BlockProtection(0);
    static final int CHECKS = QueuePair.CHECK_GUARD | QueuePair.CHECK_APPLICATION_TAG | QueuePair.CHECK_REFERENCE_TAG;

    private static final String ALLOWED = "PRACT=0 or 1, PRCHK= any of GUARD, REFTAG, APPTAG joined by |, or both with"
            + " a comma between, each once";
    private static final Pattern FORM = Pattern.compile(
            "(?:PRACT=([01]))?(,(?!$))?(?:PRCHK=((?:GUARD|REFTAG|APPTAG)(?:\\|(?:GUARD|REFTAG|APPTAG))*))?");

    /** @throws UsageException for any other text */
    static BlockProtection parse(String flag, String text) {
        var parts = FORM.matcher(text);
        // A comma stands between two, and only there.
        if (text.isEmpty()
                || !parts.matches()
                || (parts.group(2) != null) != (parts.group(1) != null && parts.group(3) != null)) {
            throw UsageException.of(flag, text, ALLOWED);
        }
        var flags = "1".equals(parts.group(1)) ? QueuePair.PROTECTION_ACTION : 0;
        if (parts.group(3) != null) {
            for (var check : parts.group(3).split("\\|")) {
                var bit = check(check);
                if ((flags & bit) != 0) {
                    throw UsageException.of(flag, text, ALLOWED);
                }
                flags |= bit;
            }
        }
        return new BlockProtection(flags);
    }

    /** Whether the controller makes it and takes it out again; else the host does. */
    boolean byController() {
        return (ioFlags & QueuePair.PROTECTION_ACTION) != 0;
    }

    boolean checksAnything() {
        return (ioFlags & CHECKS) != 0;
    }

    boolean checks(int bit) {
        return (ioFlags & bit) != 0;
    }

    private static int check(String name) {
        return switch (name) {
            case "GUARD" -> QueuePair.CHECK_GUARD;
            case "REFTAG" -> QueuePair.CHECK_REFERENCE_TAG;
            default -> QueuePair.CHECK_APPLICATION_TAG;
        };
    }
}
