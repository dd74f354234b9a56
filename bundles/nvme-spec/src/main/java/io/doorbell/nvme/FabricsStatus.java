package io.doorbell.nvme;

/**
 * Status codes of fabrics commands, status code type 1h: the values are others' in the NVM command set, so they are not in
 * {@link Status}. NVMe Base 2.1 §6 "Fabrics Command Set", and Figure "Status Code - Command Specific Status Values, Fabrics Commands".
 */
public final class FabricsStatus {
    public static final int INCOMPATIBLE_FORMAT = 0x180;
    public static final int CONTROLLER_BUSY = 0x181;
    public static final int CONNECT_INVALID_PARAMETERS = 0x182;
    public static final int CONNECT_RESTART_DISCOVERY = 0x183;
    public static final int CONNECT_INVALID_HOST = 0x184;
    public static final int INVALID_QUEUE_TYPE = 0x185;
    public static final int DISCOVER_RESTART = 0x190;
    public static final int AUTHENTICATION_REQUIRED = 0x191;

    private FabricsStatus() {}

    /** The specification's name of the status of a fabrics command, whatever its CRD, M and DNR. */
    public static String name(int raw) {
        return switch (Status.code(raw)) {
            case INCOMPATIBLE_FORMAT -> "Connect Incompatible Format";
            case CONTROLLER_BUSY -> "Connect Controller Busy";
            case CONNECT_INVALID_PARAMETERS -> "Connect Invalid Parameters";
            case CONNECT_RESTART_DISCOVERY -> "Connect Restart Discovery";
            case CONNECT_INVALID_HOST -> "Connect Invalid Host";
            case INVALID_QUEUE_TYPE -> "Invalid Queue Type";
            case DISCOVER_RESTART -> "Discover Restart";
            case AUTHENTICATION_REQUIRED -> "Authentication Required";
            default -> Status.name(raw);
        };
    }
}
