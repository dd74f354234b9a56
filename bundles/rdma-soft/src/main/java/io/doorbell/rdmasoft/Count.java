package io.doorbell.rdmasoft;

/** What is counted. Those that begin with {@code DROP_} are packets that came and were not taken, each with its reason. */
enum Count {
    RECEIVED_PACKETS,
    SENT_PACKETS,
    /** The kernel did not take it: no route, or too long for the path. */
    SEND_REFUSED,
    SENT_AGAIN,
    TIMEOUTS,
    RNR_SENT,
    RNR_RECEIVED,
    /** Packets that were kept until what they follow came. */
    CAME_EARLY,
    SEQUENCE_NAK_SENT,
    SEQUENCE_NAK_RECEIVED,
    ERROR_NAK_SENT,
    ERROR_NAK_RECEIVED,
    CONGESTION_NOTIFICATIONS,
    DUPLICATE_REQUESTS,
    /** Acknowledgements that were repeated because nothing followed them. */
    ACKNOWLEDGED_AGAIN,
    DROP_TOO_SHORT,
    DROP_TOO_LONG,
    DROP_UNKNOWN_OPCODE,
    DROP_VERSION,
    DROP_PARTITION,
    DROP_NO_QUEUE_PAIR,
    DROP_WRONG_PEER,
    DROP_ICRC,
    DROP_NOT_CONNECTED,
    DROP_OUT_OF_SEQUENCE,
    DROP_DUPLICATE_RESPONSE,
    DROP_RESPONSE_OUT_OF_SEQUENCE,
    DROP_RESPONSE_UNASKED,
    DROP_RESERVED_SYNDROME,
    DROP_READ_FORGOTTEN,
    DROP_READS_WAITING,
    DROP_NOT_A_MAD,
    DROP_QUEUE_KEY,
    DROP_MAD_CLASS,
    DROP_CM_UNKNOWN_MESSAGE,
    DROP_CM_NO_CONNECTION,
    DROP_CM_WRONG_PEER,
    DROP_CM_WRONG_STATE,
    DROP_CM_TOO_MANY
}
