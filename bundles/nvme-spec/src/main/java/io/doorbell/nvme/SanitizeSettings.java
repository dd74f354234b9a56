package io.doorbell.nvme;

/**
 * What Sanitize is to do: dwords 10 and 11. NVMe Base 2.1 §5.1.22 "Sanitize command".
 *
 * @param action SANACT
 * @param unrestricted AUSE: a failure can be left by {@link #EXIT_FAILURE_MODE}, and not only by a sanitize that succeeds
 * @param overwritePasses OWPASS, 1 to 16
 * @param invertPattern OIPBP: the pattern is inverted between passes
 * @param noDeallocate NDAS: blocks are not to be deallocated after it
 * @param pattern OVRPAT: what an overwrite writes, four bytes at a time
 */
public record SanitizeSettings(
        int action,
        boolean unrestricted,
        int overwritePasses,
        boolean invertPattern,
        boolean noDeallocate,
        int pattern) {
    public static final int EXIT_FAILURE_MODE = 1;
    public static final int BLOCK_ERASE = 2;
    public static final int OVERWRITE = 3;
    public static final int CRYPTO_ERASE = 4;
    public static final int EXIT_MEDIA_VERIFICATION = 5;

    public static final int MAX_PASSES = 16;

    public SanitizeSettings {
        if (action < 0 || action > 7) {
            throw new IllegalArgumentException("sanitize action " + action + ": a field of 3 bits");
        }
        if (overwritePasses < 1 || overwritePasses > MAX_PASSES) {
            throw new IllegalArgumentException("overwrite passes " + overwritePasses + ": 1 to " + MAX_PASSES);
        }
    }

    public static SanitizeSettings blockErase() {
        return new SanitizeSettings(BLOCK_ERASE, false, 1, false, false, 0);
    }

    public static SanitizeSettings cryptoErase() {
        return new SanitizeSettings(CRYPTO_ERASE, false, 1, false, false, 0);
    }

    public static SanitizeSettings exitFailureMode() {
        return new SanitizeSettings(EXIT_FAILURE_MODE, false, 1, false, false, 0);
    }

    public static SanitizeSettings overwrite(int passes, int pattern, boolean invertPattern) {
        return new SanitizeSettings(OVERWRITE, false, passes, invertPattern, false, pattern);
    }

    public SanitizeSettings withUnrestricted(boolean allowed) {
        return new SanitizeSettings(action, allowed, overwritePasses, invertPattern, noDeallocate, pattern);
    }

    public SanitizeSettings withNoDeallocate(boolean wanted) {
        return new SanitizeSettings(action, unrestricted, overwritePasses, invertPattern, wanted, pattern);
    }

    /** OWPASS 0 stands for 16 passes. */
    public static SanitizeSettings of(int cdw10, int cdw11) {
        int passes = cdw10 >> 4 & 0xF;
        return new SanitizeSettings(
                cdw10 & 7,
                (cdw10 & 1 << 3) != 0,
                passes == 0 ? MAX_PASSES : passes,
                (cdw10 & 1 << 8) != 0,
                (cdw10 & 1 << 9) != 0,
                cdw11);
    }

    public int cdw10() {
        return action
                | (unrestricted ? 1 << 3 : 0)
                | (action == OVERWRITE ? (overwritePasses & 0xF) << 4 : 0)
                | (invertPattern ? 1 << 8 : 0)
                | (noDeallocate ? 1 << 9 : 0);
    }

    public static String name(int action) {
        return switch (action) {
            case EXIT_FAILURE_MODE -> "Exit Failure Mode";
            case BLOCK_ERASE -> "Block Erase";
            case OVERWRITE -> "Overwrite";
            case CRYPTO_ERASE -> "Crypto Erase";
            case EXIT_MEDIA_VERIFICATION -> "Exit Media Verification State";
            default -> "Sanitize Action " + action;
        };
    }
}
