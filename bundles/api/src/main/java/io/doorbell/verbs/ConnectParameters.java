package io.doorbell.verbs;

/**
 * What the two sides of a connection agree on. IBTA vol. 1 release 1.4 §12.7 "Message Field Details".
 *
 * @param responderResources RDMA reads of the peer that this side has at work at once
 * @param initiatorDepth RDMA reads that this side has outstanding at the peer
 * @param retryCount how often a packet is sent again before the connection is given up, 0 to 7
 * @param rnrRetryCount how often a send is tried again for which the peer had no receive, 0 to 6; 7 for ever
 */
public record ConnectParameters(int responderResources, int initiatorDepth, int retryCount, int rnrRetryCount) {
    /** No reads; tries as often as it may. */
    public static final ConnectParameters DEFAULT = new ConnectParameters(0, 0, 7, 7);

    public ConnectParameters {
        within("responder resources", responderResources, 255);
        within("initiator depth", initiatorDepth, 255);
        within("retry count", retryCount, 7);
        within("RNR retry count", rnrRetryCount, 7);
    }

    private static void within(String what, int value, int most) {
        if (value < 0 || value > most) {
            throw new IllegalArgumentException(what + " " + value + ": 0 to " + most);
        }
    }

    public ConnectParameters withReads(int resources, int depth) {
        return new ConnectParameters(resources, depth, retryCount, rnrRetryCount);
    }
}
