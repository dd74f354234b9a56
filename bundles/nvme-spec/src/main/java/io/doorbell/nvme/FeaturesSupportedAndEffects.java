package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;

/**
 * Feature Identifiers Supported and Effects log page, 1,024 bytes: a dword per feature identifier. NVMe Base 2.1
 * §5.1.12.1.17 "Feature Identifiers Supported and Effects (Log Page Identifier 12h)".
 */
public final class FeaturesSupportedAndEffects {
    public static final int SIZE_BYTES = 1024;

    /** Supported; a change changes data; namespace capabilities; the inventory of namespaces; controller capabilities. */
    public static final int FSUPP = 1;

    public static final int UDCC = 1 << 1;
    public static final int NCC = 1 << 2;
    public static final int NIC = 1 << 3;
    public static final int CCC = 1 << 4;

    /** Scope: a namespace, the controller. */
    public static final int SCOPE_NAMESPACE = 1 << 20;

    public static final int SCOPE_CONTROLLER = 1 << 21;

    private FeaturesSupportedAndEffects() {}

    public static int entry(MemorySegment page, long start, int fid) {
        return page.get(LE.LE32_UNALIGNED, start + 4L * (fid & 0xFF));
    }

    public static void entry(MemorySegment page, long start, int fid, int value) {
        page.set(LE.LE32_UNALIGNED, start + 4L * (fid & 0xFF), value);
    }
}
