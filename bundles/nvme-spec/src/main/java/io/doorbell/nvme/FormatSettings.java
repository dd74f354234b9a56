package io.doorbell.nvme;

/**
 * What Format NVM is to do: dword 10. NVMe Base 2.1 §5.1.10 "Format NVM command".
 *
 * @param formatIndex LBA format, 0 to 63
 * @param metadataInData MSET: metadata behind each block's data, and not in a buffer of its own
 * @param protection PI: type of protection information, 0 to 3
 * @param protectionFirst PIL: it is the first bytes of the metadata, and not the last
 * @param secureErase SES: {@link #NO_ERASE}, {@link #USER_DATA_ERASE}, {@link #CRYPTOGRAPHIC_ERASE}
 */
public record FormatSettings(
        int formatIndex, boolean metadataInData, int protection, boolean protectionFirst, int secureErase) {
    public static final int NO_ERASE = 0;
    public static final int USER_DATA_ERASE = 1;
    public static final int CRYPTOGRAPHIC_ERASE = 2;

    public FormatSettings {
        if (formatIndex < 0 || formatIndex >= IdentifyNamespace.MAX_LBA_FORMATS) {
            throw new IllegalArgumentException("LBA format " + formatIndex + ": 0 to 63");
        }
        if (protection < 0 || protection > 7 || secureErase < 0 || secureErase > 7) {
            throw new IllegalArgumentException(
                    "protection " + protection + ", secure erase " + secureErase + ": fields of 3 bits");
        }
    }

    /** Another LBA format, and nothing else. */
    public static FormatSettings ofIndex(int formatIndex) {
        return new FormatSettings(formatIndex, false, 0, false, NO_ERASE);
    }

    public FormatSettings withSecureErase(int ses) {
        return new FormatSettings(formatIndex, metadataInData, protection, protectionFirst, ses);
    }

    public static FormatSettings ofCdw10(int cdw10) {
        return new FormatSettings(
                cdw10 & 0xF | (cdw10 >> 12 & 3) << 4,
                (cdw10 & 1 << 4) != 0,
                cdw10 >> 5 & 7,
                (cdw10 & 1 << 8) != 0,
                cdw10 >> 9 & 7);
    }

    public int cdw10() {
        return formatIndex & 0xF
                | (metadataInData ? 1 << 4 : 0)
                | protection << 5
                | (protectionFirst ? 1 << 8 : 0)
                | secureErase << 9
                | formatIndex >> 4 << 12;
    }
}
