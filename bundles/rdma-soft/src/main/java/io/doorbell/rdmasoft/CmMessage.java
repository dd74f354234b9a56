package io.doorbell.rdmasoft;

import io.doorbell.verbs.provider.Checks;
import java.nio.ByteBuffer;

/**
 * A message of the communication management class: one MAD of 256 bytes, big-endian. IBTA vol. 1 release 1.4 §13.4 "Management Datagrams", §12.6
 * "Message Field Details"; what RDMA_CM adds is Linux {@code struct cma_hdr}. Offsets are those from the start of the MAD.
 */
final class CmMessage {
    static final int BYTES = 256;

    // Attributes.
    static final int REQ = 0x10;
    static final int MRA = 0x11;
    static final int REJ = 0x12;
    static final int REP = 0x13;
    static final int RTU = 0x14;
    static final int DREQ = 0x15;
    static final int DREP = 0x16;

    // Reasons of a rejection.
    static final int NO_RESOURCES = 3;
    static final int TIMEOUT = 4;
    static final int INVALID_SERVICE = 8;
    static final int INVALID_TRANSPORT = 9;
    static final int STALE = 10;
    static final int INVALID_GID = 12;
    static final int INVALID_MTU = 26;
    static final int CONSUMER = 28;

    /** What a rejection or an MRA is about. */
    static final int ABOUT_REQ = 0;

    static final int ABOUT_REP = 1;
    static final int ABOUT_OTHER = 2;

    /** RDMA_PS_TCP: a service is this and a port. */
    static final long SERVICE = 0x0000_0000_0106_0000L;

    private static final int BASE_VERSION = 1;
    private static final int CLASS = 0x07;
    private static final int CLASS_VERSION = 2;
    private static final int SEND = 3;
    private static final int HEADER = BASE_VERSION << 24 | CLASS << 16 | CLASS_VERSION << 8 | SEND;

    private static final int TRANSACTION = 8;
    private static final int ATTRIBUTE = 16;
    private static final int LOCAL_ID = 24;
    private static final int REMOTE_ID = 28;

    private static final int REQ_SERVICE = 32;
    private static final int REQ_GUID = 40;
    private static final int REQ_NUMBER = 56;
    private static final int REQ_RESPONDER_RESOURCES = 59;
    private static final int REQ_INITIATOR_DEPTH = 63;
    private static final int REQ_TRANSPORT = 67;
    private static final int REQ_PSN = 68;
    private static final int REQ_RETRIES = 71;
    private static final int REQ_PARTITION = 72;
    private static final int REQ_MTU_RNR = 74;
    private static final int REQ_CM_RETRIES = 75;
    private static final int REQ_LOCAL_LID = 76;
    private static final int REQ_REMOTE_LID = 78;
    private static final int REQ_LOCAL_GID = 80;
    private static final int REQ_REMOTE_GID = 96;
    private static final int REQ_HOP_LIMIT = 117;
    private static final int REQ_ACK_TIMEOUT = 119;
    private static final int REQ_CMA = 164;
    private static final int REQ_PRIVATE = 200;

    private static final int REP_NUMBER = 36;
    private static final int REP_PSN = 44;
    private static final int REP_RESPONDER_RESOURCES = 48;
    private static final int REP_INITIATOR_DEPTH = 49;
    private static final int REP_FLOW_CONTROL = 50;
    private static final int REP_RNR = 51;
    private static final int REP_GUID = 52;
    private static final int REP_PRIVATE = 60;

    private static final int REJ_ABOUT = 32;
    private static final int REJ_INFORMATION_BYTES = 33;
    private static final int REJ_REASON = 34;
    private static final int REJ_INFORMATION = 36;
    private static final int REJ_PRIVATE = 108;

    private static final int DREQ_NUMBER = 32;
    private static final int MRA_ABOUT = 32;
    private static final int MRA_TIMEOUT = 33;

    /** Time code of what this side takes to answer, 4.096 us * 2^20. */
    private static final int RESPONSE_TIMEOUT = 20;

    private static final int MAX_CM_RETRIES = 15;
    /** 4.096 us * 2^14: 67 ms. */
    private static final int ACK_TIMEOUT = 14;

    final byte[] mad;
    private final ByteBuffer fields;

    private CmMessage(byte[] mad) {
        this.mad = mad;
        fields = ByteBuffer.wrap(mad);
    }

    /** What came; null when it is none of this class. */
    static CmMessage parse(byte[] mad) {
        var message = new CmMessage(mad);
        return mad.length == BYTES && message.fields.getInt(0) == HEADER ? message : null;
    }

    private static CmMessage begin(int attribute, long transaction, int localId, int remoteId) {
        var message = new CmMessage(new byte[BYTES]);
        message.fields.putInt(0, HEADER);
        message.fields.putLong(TRANSACTION, transaction);
        message.fields.putShort(ATTRIBUTE, (short) attribute);
        message.fields.putInt(LOCAL_ID, localId);
        message.fields.putInt(REMOTE_ID, remoteId);
        return message;
    }

    private void put(int at, int value) {
        mad[at] = (byte) value;
    }

    private void put24(int at, int value) {
        put(at, value >> 16);
        fields.putShort(at + 1, (short) value);
    }

    private int get(int at) {
        return mad[at] & 255;
    }

    private int get24(int at) {
        return fields.getInt(at) >>> 8;
    }

    private byte[] from(int at, int bytes) {
        return java.util.Arrays.copyOfRange(mad, at, at + bytes);
    }

    private void put(int at, byte[] bytes, int most) {
        Checks.privateData(bytes, most);
        System.arraycopy(bytes, 0, mad, at, bytes.length);
    }

    // Of all messages.

    long transaction() {
        return fields.getLong(TRANSACTION);
    }

    int attribute() {
        return Short.toUnsignedInt(fields.getShort(ATTRIBUTE));
    }

    /** Of who sent it. */
    int localId() {
        return fields.getInt(LOCAL_ID);
    }

    int remoteId() {
        return fields.getInt(REMOTE_ID);
    }

    // REQ.

    /**
     * What a request says of its sender.
     *
     * @param psn the first number that the receiver sends
     * @param mtuCode of the path: 1 is 256 bytes, 5 is 4096
     */
    record Terms(
            long guid,
            int number,
            int psn,
            int responderResources,
            int initiatorDepth,
            int retryCount,
            int rnrRetryCount,
            int mtuCode) {}

    /** Addresses are 16 bytes, of IPv4 in the form of IPv6. */
    static CmMessage request(
            long transaction,
            int localId,
            Terms terms,
            int sourcePort,
            int port,
            byte[] source,
            byte[] destination,
            byte[] privateData) {
        var message = begin(REQ, transaction, localId, 0);
        var fields = message.fields;
        fields.putLong(REQ_SERVICE, SERVICE | port);
        fields.putLong(REQ_GUID, terms.guid);
        message.put24(REQ_NUMBER, terms.number);
        message.put(REQ_RESPONDER_RESOURCES, terms.responderResources);
        message.put(REQ_INITIATOR_DEPTH, terms.initiatorDepth);
        message.put(REQ_TRANSPORT, RESPONSE_TIMEOUT << 3 | 1);
        message.put24(REQ_PSN, terms.psn);
        message.put(REQ_RETRIES, RESPONSE_TIMEOUT << 3 | terms.retryCount);
        fields.putShort(REQ_PARTITION, (short) Headers.PARTITION);
        message.put(REQ_MTU_RNR, terms.mtuCode << 4 | terms.rnrRetryCount);
        message.put(REQ_CM_RETRIES, MAX_CM_RETRIES << 4);
        fields.putShort(REQ_LOCAL_LID, (short) -1);
        fields.putShort(REQ_REMOTE_LID, (short) -1);
        message.put(REQ_LOCAL_GID, source, 16);
        message.put(REQ_REMOTE_GID, destination, 16);
        message.put(REQ_HOP_LIMIT, 64);
        message.put(REQ_ACK_TIMEOUT, ACK_TIMEOUT << 3);
        boolean six = !isMapped(source);
        message.put(REQ_CMA + 1, six ? 0x60 : 0x40);
        fields.putShort(REQ_CMA + 2, (short) sourcePort);
        message.put(REQ_CMA + 4, six ? source : unmapped(source), 16);
        message.put(REQ_CMA + 20, six ? destination : unmapped(destination), 16);
        message.put(REQ_PRIVATE, privateData, BYTES - REQ_PRIVATE);
        return message;
    }

    private static boolean isMapped(byte[] address) {
        for (int i = 0; i < 10; i++) {
            if (address[i] != 0) {
                return false;
            }
        }
        return address[10] == -1 && address[11] == -1;
    }

    /** RDMA_CM has an IPv4 address behind zeros only. */
    private static byte[] unmapped(byte[] address) {
        var plain = address.clone();
        plain[10] = 0;
        plain[11] = 0;
        return plain;
    }

    long service() {
        return fields.getLong(REQ_SERVICE);
    }

    Terms terms() {
        return new Terms(
                fields.getLong(REQ_GUID),
                get24(REQ_NUMBER),
                get24(REQ_PSN),
                get(REQ_RESPONDER_RESOURCES),
                get(REQ_INITIATOR_DEPTH),
                get(REQ_RETRIES) & 7,
                get(REQ_MTU_RNR) & 7,
                get(REQ_MTU_RNR) >> 4);
    }

    /** 0 for a reliable connection. */
    int transportType() {
        return get(REQ_TRANSPORT) >> 1 & 3;
    }

    byte[] localGid() {
        return from(REQ_LOCAL_GID, 16);
    }

    byte[] remoteGid() {
        return from(REQ_REMOTE_GID, 16);
    }

    /** Whether there is a header of RDMA_CM, version 0, for this family of addresses. */
    boolean isRdmaCm(boolean six) {
        return get(REQ_CMA) == 0 && get(REQ_CMA + 1) >> 4 == (six ? 6 : 4);
    }

    int sourcePort() {
        return Short.toUnsignedInt(fields.getShort(REQ_CMA + 2));
    }

    byte[] requestData() {
        return from(REQ_PRIVATE, BYTES - REQ_PRIVATE);
    }

    // REP.

    static CmMessage reply(CmMessage request, int localId, Terms terms, byte[] privateData) {
        var message = begin(REP, request.transaction(), localId, request.localId());
        message.put24(REP_NUMBER, terms.number);
        message.put24(REP_PSN, terms.psn);
        message.put(REP_RESPONDER_RESOURCES, terms.responderResources);
        message.put(REP_INITIATOR_DEPTH, terms.initiatorDepth);
        message.put(REP_FLOW_CONTROL, 1);
        message.put(REP_RNR, terms.rnrRetryCount << 5);
        message.fields.putLong(REP_GUID, terms.guid);
        message.put(REP_PRIVATE, privateData, BYTES - REP_PRIVATE);
        return message;
    }

    Terms replyTerms() {
        return new Terms(
                fields.getLong(REP_GUID),
                get24(REP_NUMBER),
                get24(REP_PSN),
                get(REP_RESPONDER_RESOURCES),
                get(REP_INITIATOR_DEPTH),
                0,
                get(REP_RNR) >> 5,
                0);
    }

    byte[] replyData() {
        return from(REP_PRIVATE, BYTES - REP_PRIVATE);
    }

    // REJ.

    static CmMessage reject(
            long transaction,
            int localId,
            int remoteId,
            int about,
            int reason,
            byte[] information,
            byte[] privateData) {
        var message = begin(REJ, transaction, localId, remoteId);
        message.put(REJ_ABOUT, about << 6);
        message.put(REJ_INFORMATION_BYTES, information.length << 1);
        message.fields.putShort(REJ_REASON, (short) reason);
        message.put(REJ_INFORMATION, information, REJ_PRIVATE - REJ_INFORMATION);
        message.put(REJ_PRIVATE, privateData, BYTES - REJ_PRIVATE);
        return message;
    }

    int reason() {
        return Short.toUnsignedInt(fields.getShort(REJ_REASON));
    }

    /** Of a rejection for {@link #TIMEOUT}: whose request it was. */
    long rejectedGuid() {
        return fields.getLong(REJ_INFORMATION);
    }

    byte[] rejectData() {
        return from(REJ_PRIVATE, BYTES - REJ_PRIVATE);
    }

    // The others.

    static CmMessage readyToUse(long transaction, int localId, int remoteId) {
        return begin(RTU, transaction, localId, remoteId);
    }

    /** Wait for so long more: 4.096 us * 2^code. */
    static CmMessage wait(long transaction, int localId, int remoteId, int about, int code) {
        var message = begin(MRA, transaction, localId, remoteId);
        message.put(MRA_ABOUT, about << 6);
        message.put(MRA_TIMEOUT, code << 3);
        return message;
    }

    static CmMessage disconnect(long transaction, int localId, int remoteId, int peerNumber) {
        var message = begin(DREQ, transaction, localId, remoteId);
        message.put24(DREQ_NUMBER, peerNumber);
        return message;
    }

    /** Of the queue pair whose end is asked for. */
    int disconnectedNumber() {
        return get24(DREQ_NUMBER);
    }

    static CmMessage disconnected(CmMessage request) {
        return begin(DREP, request.transaction(), request.remoteId(), request.localId());
    }
}
