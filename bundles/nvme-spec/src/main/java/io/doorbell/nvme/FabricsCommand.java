package io.doorbell.nvme;

/**
 * Commands of NVMe over Fabrics, opcode 7Fh: which one it is stands in byte 4, where other commands have their namespace.
 * NVMe Base 2.1 §6 "Fabrics Command Set". Fields are taken out of the dwords they share, as the I/O path has them.
 */
public final class FabricsCommand {
    /** FCTYPE. */
    public static final int PROPERTY_SET = 0x00;

    public static final int CONNECT = 0x01;
    public static final int PROPERTY_GET = 0x04;
    public static final int AUTHENTICATION_SEND = 0x05;
    public static final int AUTHENTICATION_RECEIVE = 0x06;
    public static final int DISCONNECT = 0x08;

    /** Bytes of the command that a refused Connect can point at. */
    public static final int CONNECT_RECFMT_OFFSET = 40;

    public static final int CONNECT_QID_OFFSET = 42;
    public static final int CONNECT_SQSIZE_OFFSET = 44;

    /** CNTLID of a Connect that wants a new controller. */
    public static final int DYNAMIC_CONTROLLER = 0xFFFF;

    /** SQHD of a Connect response when the queue does without flow control. */
    public static final int NO_FLOW_CONTROL_SQHD = 0xFFFF;

    /** CATTR: the host does not want to be told SQHD. */
    public static final int CATTR_DISABLE_FLOW_CONTROL = 1 << 2;

    /** Dword 0 of the answer to Connect: the host has to authenticate itself before anything else. */
    public static final int CONNECT_AUTHREQ_ATR = 1 << 17;

    /** And to make a secure channel of that. */
    public static final int CONNECT_AUTHREQ_ASCR = 1 << 18;

    private static final int IATTR_DATA = 1 << 16;

    /** SECP, SPSP1 and SPSP0 of Authentication Send and Receive, in the three high bytes of dword 10. */
    private static final int AUTHENTICATION_PROTOCOL = 0xE9_01_01_00;

    private FabricsCommand() {}

    /** FCTYPE of a command whose dword 1 is {@code nsid}. */
    public static int type(int nsid) {
        return nsid & 0xFF;
    }

    /** Whether data of a command, a Fabrics command or another, go to the controller: which way is in the type of the one, in the opcode of the other. */
    public static boolean isToController(int opc, int nsid) {
        return NvmOpcode.transfersToController(opc == NvmOpcode.FABRICS ? type(nsid) : opc);
    }

    /** RECFMT of Connect and Disconnect, from dword 10. */
    public static int recfmt(int cdw10) {
        return cdw10 & 0xFFFF;
    }

    /** QID of Connect, from dword 10. */
    public static int qid(int cdw10) {
        return cdw10 >>> 16;
    }

    /** Dword 10 of Connect. */
    public static int connectDword10(int recfmt, int qid) {
        return recfmt & 0xFFFF | qid << 16;
    }

    /** SQSIZE of Connect, 0's based, from dword 11. */
    public static int sqsizeZeroBased(int cdw11) {
        return cdw11 & 0xFFFF;
    }

    /** CATTR of Connect, from dword 11. */
    public static int cattr(int cdw11) {
        return cdw11 >> 16 & 0xFF;
    }

    /** Dword 11 of Connect. */
    public static int connectDword11(int sqsizeZeroBased, int cattr) {
        return sqsizeZeroBased & 0xFFFF | (cattr & 0xFF) << 16;
    }

    /** ATTRIB of Property Get and Set, from dword 10: 4 or 8 bytes, or 0 for a size that does not exist. */
    public static int propertyBytes(int cdw10) {
        return switch (cdw10 & 7) {
            case 0 -> 4;
            case 1 -> 8;
            default -> 0;
        };
    }

    /** Dword 0 of the answer to a Connect with a field that is wrong, in its command (a byte of the entry) or in its data. */
    public static int invalidParameter(boolean inData, int offset) {
        return offset & 0xFFFF | (inData ? IATTR_DATA : 0);
    }

    /** Dword 10 of Authentication Send and Receive; their dword 11 is a length. NVMe Base 2.1 §6.1 and §6.2. */
    public static int authenticationDword10() {
        return AUTHENTICATION_PROTOCOL;
    }

    /** Whether dword 10 of Authentication Send or Receive means NVMe's own messages. */
    public static boolean isAuthentication(int cdw10) {
        return (cdw10 & 0xFFFF_FF00) == AUTHENTICATION_PROTOCOL;
    }

    /** The specification's name, for messages. */
    public static String name(int type) {
        return switch (type) {
            case PROPERTY_SET -> "Property Set";
            case CONNECT -> "Connect";
            case PROPERTY_GET -> "Property Get";
            case AUTHENTICATION_SEND -> "Authentication Send";
            case AUTHENTICATION_RECEIVE -> "Authentication Receive";
            case DISCONNECT -> "Disconnect";
            default -> String.format("Fabrics Command %02Xh", type);
        };
    }
}
