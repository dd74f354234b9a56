package io.doorbell.nvme;

/** Controller or Namespace Structure: what Identify asks for. NVMe Base 2.1 §5.1.13 "Identify command". */
public final class IdentifyCns {
    public static final int NAMESPACE = 0x00;
    public static final int CONTROLLER = 0x01;
    public static final int ACTIVE_NAMESPACE_LIST = 0x02;
    public static final int NAMESPACE_IDENTIFICATION_DESCRIPTORS = 0x03;
    public static final int NVM_SET_LIST = 0x04;
    public static final int COMMAND_SET_NAMESPACE = 0x05;
    public static final int COMMAND_SET_CONTROLLER = 0x06;
    public static final int COMMAND_SET_ACTIVE_NAMESPACE_LIST = 0x07;
    public static final int INDEPENDENT_NAMESPACE = 0x08;
    public static final int ALLOCATED_NAMESPACE_LIST = 0x10;
    public static final int ALLOCATED_NAMESPACE = 0x11;
    public static final int NAMESPACE_ATTACHED_CONTROLLER_LIST = 0x12;
    public static final int CONTROLLER_LIST = 0x13;
    public static final int PRIMARY_CONTROLLER_CAPABILITIES = 0x14;
    public static final int SECONDARY_CONTROLLER_LIST = 0x15;
    public static final int NAMESPACE_GRANULARITY_LIST = 0x16;
    public static final int UUID_LIST = 0x17;
    public static final int COMMAND_SET_ALLOCATED_NAMESPACE_LIST = 0x1A;
    public static final int COMMAND_SET_ALLOCATED_NAMESPACE = 0x1B;
    public static final int IO_COMMAND_SETS = 0x1C;

    private IdentifyCns() {}

    /** The specification's name, for messages; unknown values come with their number. */
    public static String name(int cns) {
        return switch (cns) {
            case NAMESPACE -> "Namespace";
            case CONTROLLER -> "Controller";
            case ACTIVE_NAMESPACE_LIST -> "Active Namespace ID List";
            case NAMESPACE_IDENTIFICATION_DESCRIPTORS -> "Namespace Identification Descriptor List";
            case NVM_SET_LIST -> "NVM Set List";
            case COMMAND_SET_NAMESPACE -> "I/O Command Set specific Namespace";
            case COMMAND_SET_CONTROLLER -> "I/O Command Set specific Controller";
            case COMMAND_SET_ACTIVE_NAMESPACE_LIST -> "I/O Command Set specific Active Namespace ID List";
            case INDEPENDENT_NAMESPACE -> "I/O Command Set Independent Namespace";
            case ALLOCATED_NAMESPACE_LIST -> "Allocated Namespace ID List";
            case ALLOCATED_NAMESPACE -> "Allocated Namespace";
            case NAMESPACE_ATTACHED_CONTROLLER_LIST -> "Namespace Attached Controller List";
            case CONTROLLER_LIST -> "Controller List";
            case PRIMARY_CONTROLLER_CAPABILITIES -> "Primary Controller Capabilities";
            case SECONDARY_CONTROLLER_LIST -> "Secondary Controller List";
            case NAMESPACE_GRANULARITY_LIST -> "Namespace Granularity List";
            case UUID_LIST -> "UUID List";
            case COMMAND_SET_ALLOCATED_NAMESPACE_LIST -> "I/O Command Set specific Allocated Namespace ID List";
            case COMMAND_SET_ALLOCATED_NAMESPACE -> "I/O Command Set specific Allocated Namespace";
            case IO_COMMAND_SETS -> "I/O Command Set";
            default -> String.format("Identify CNS %02Xh", cns);
        };
    }

    /** Bytes every Identify structure has, the rest of it zero. */
    public static final int DATA_BYTES = 4096;

    /** Command Set Identifier (dword 11 bits 31:24) of the NVM Command Set. */
    public static final int CSI_NVM = 0;

    /** Of the Zoned Namespace Command Set. */
    public static final int CSI_ZONED = 2;
}
