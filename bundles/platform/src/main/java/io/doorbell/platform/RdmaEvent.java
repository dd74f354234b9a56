package io.doorbell.platform;

/**
 * News of a connection: struct {@code rdma_cm_event}, of rdma_get_cm_event(3), copied.
 *
 * @param type of the constants here
 * @param id what it concerns; of a request, a new one
 * @param listener of a request: what listens; null otherwise
 * @param status 0, a negative errno, or of {@link #REJECTED} the reason
 * @param data of {@link #CONNECT_REQUEST}, {@link #CONNECT_RESPONSE}, {@link #REJECTED}: what the peer sent along
 * @param responderResources reads that the peer wants to have outstanding here
 * @param initiatorDepth reads that may be outstanding at the peer
 */
public record RdmaEvent(
        int type,
        RdmaId id,
        RdmaId listener,
        int status,
        byte[] data,
        int responderResources,
        int initiatorDepth,
        int retryCount,
        int rnrRetryCount) {
    // Numbers of enum rdma_cm_event_type.
    public static final int ADDRESS_RESOLVED = 0;
    public static final int ADDRESS_ERROR = 1;
    public static final int ROUTE_RESOLVED = 2;
    public static final int ROUTE_ERROR = 3;
    public static final int CONNECT_REQUEST = 4;
    public static final int CONNECT_RESPONSE = 5;
    public static final int CONNECT_ERROR = 6;
    public static final int UNREACHABLE = 7;
    public static final int REJECTED = 8;
    public static final int ESTABLISHED = 9;
    public static final int DISCONNECTED = 10;
    public static final int DEVICE_REMOVAL = 11;
    public static final int ADDRESS_CHANGE = 14;
    public static final int TIME_WAIT_EXIT = 15;
}
