package io.doorbell.nvme;

/**
 * Offsets of the controller properties in BAR0; on fabrics, in Property Get and Set. NVMe Base 2.1 §3.1.4 "Controller
 * Properties".
 */
public final class Registers {
    public static final int CAP = 0x00; // Controller Capabilities, 8 bytes
    public static final int VS = 0x08; // Version
    public static final int INTMS = 0x0C; // Interrupt Mask Set
    public static final int INTMC = 0x10; // Interrupt Mask Clear
    public static final int CC = 0x14; // Controller Configuration
    public static final int CSTS = 0x1C; // Controller Status
    public static final int NSSR = 0x20; // NVM Subsystem Reset
    public static final int AQA = 0x24; // Admin Queue Attributes
    public static final int ASQ = 0x28; // Admin Submission Queue Base Address, 8 bytes
    public static final int ACQ = 0x30; // Admin Completion Queue Base Address, 8 bytes
    public static final int CMBLOC = 0x38; // Controller Memory Buffer Location
    public static final int CMBSZ = 0x3C; // Controller Memory Buffer Size
    public static final int BPINFO = 0x40; // Boot Partition Information
    public static final int BPRSEL = 0x44; // Boot Partition Read Select
    public static final int BPMBL = 0x48; // Boot Partition Memory Buffer Location, 8 bytes
    public static final int CMBMSC = 0x50; // Controller Memory Buffer Memory Space Control, 8 bytes
    public static final int CMBSTS = 0x58; // Controller Memory Buffer Status
    public static final int CMBEBS = 0x5C; // Controller Memory Buffer Elasticity Buffer Size
    public static final int CMBSWTP = 0x60; // Controller Memory Buffer Sustained Write Throughput
    public static final int NSSD = 0x64; // NVM Subsystem Shutdown
    public static final int CRTO = 0x68; // Controller Ready Timeouts
    public static final int PMRCAP = 0xE00; // Persistent Memory Region Capabilities

    /** First doorbell; {@link Doorbell} computes the others. */
    public static final int DOORBELLS = Doorbell.BASE_BYTES;

    /** What NSSR takes to reset the subsystem: "NVMe" in ASCII. */
    public static final int NSSR_MAGIC = 0x4E56_4D65;

    /** Admin queues hold 2 to 4,096 entries. NVMe Base 2.1 §3.1.4.8 "Offset 24h: AQA". */
    public static final int MIN_QUEUE_ENTRIES = 2;

    public static final int MAX_ADMIN_QUEUE_ENTRIES = 4096;
    public static final int MAX_IO_QUEUE_ENTRIES = 65_536;

    /** What a load returns once the controller has left the bus; as CSTS it is no value a controller can have. */
    public static final int GONE = -1;

    private Registers() {}

    /** AQA for admin queues of so many entries each. */
    public static int aqa(int submissionEntries, int completionEntries) {
        return checkedAdminEntries(completionEntries) - 1 << 16 | checkedAdminEntries(submissionEntries) - 1;
    }

    /** Entries of the admin submission queue in an AQA value. */
    public static int aqaSubmissionEntries(int aqa) {
        return (aqa & 0xFFF) + 1;
    }

    /** Entries of the admin completion queue in an AQA value. */
    public static int aqaCompletionEntries(int aqa) {
        return (aqa >> 16 & 0xFFF) + 1;
    }

    /** For messages: {@code CC}, {@code CSTS}, or the offset where it has no name here. */
    public static String name(int offset) {
        return switch (offset) {
            case CAP -> "CAP";
            case VS -> "VS";
            case INTMS -> "INTMS";
            case INTMC -> "INTMC";
            case CC -> "CC";
            case CSTS -> "CSTS";
            case NSSR -> "NSSR";
            case AQA -> "AQA";
            case ASQ -> "ASQ";
            case ACQ -> "ACQ";
            case CMBLOC -> "CMBLOC";
            case CMBSZ -> "CMBSZ";
            case NSSD -> "NSSD";
            case CRTO -> "CRTO";
            default -> String.format("offset %Xh", offset);
        };
    }

    private static int checkedAdminEntries(int entries) {
        if (entries < MIN_QUEUE_ENTRIES || entries > MAX_ADMIN_QUEUE_ENTRIES) {
            throw new IllegalArgumentException("an admin queue has " + MIN_QUEUE_ENTRIES + " to "
                    + MAX_ADMIN_QUEUE_ENTRIES + " entries, not " + entries);
        }
        return entries;
    }
}
