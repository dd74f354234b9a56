package io.doorbell.tcp.host;

import io.doorbell.nvme.TcpPdu;

/**
 * What both ends of a connection have agreed on.
 *
 * @param alignment where the target wants data to begin in a PDU, bytes (CPDA)
 * @param maxDataBytes of one H2CData (MAXH2CDATA)
 * @param inCapsuleBytes that a command may bring along
 */
record LinkSettings(boolean headerDigest, boolean dataDigest, int alignment, int maxDataBytes, int inCapsuleBytes) {

    LinkSettings withInCapsuleBytes(int bytes) {
        return new LinkSettings(headerDigest, dataDigest, alignment, maxDataBytes, bytes);
    }

    int headerFlag() {
        return headerDigest ? TcpPdu.HEADER_DIGEST : 0;
    }

    int dataFlag() {
        return dataDigest ? TcpPdu.DATA_DIGEST : 0;
    }

    int headerDigestBytes() {
        return headerDigest ? TcpPdu.DIGEST_BYTES : 0;
    }

    int dataDigestBytes() {
        return dataDigest ? TcpPdu.DIGEST_BYTES : 0;
    }

    /** Where data begin behind so many bytes. */
    int aligned(int bytes) {
        return (bytes + alignment - 1) / alignment * alignment;
    }
}
