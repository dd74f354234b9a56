package io.doorbell.nvme;

import static io.doorbell.nvme.Field.u16;
import static io.doorbell.nvme.Field.u32;
import static io.doorbell.nvme.Field.u8;

import io.doorbell.nvme.Field.U16;
import io.doorbell.nvme.Field.U32;
import io.doorbell.nvme.Field.U8;

/**
 * Messages that Authentication Send and Receive carry. NVMe Base 2.1 §8.3.4.4 "Common Authentication Messages" and §8.3.4.5 "DH-HMAC-CHAP
 * Protocol". All begin alike; a value of variable length follows where a header ends.
 */
public final class AuthenticationMessage {
    /** Of every message. */
    public static final U8 AUTH_TYPE = u8(0);

    public static final U8 AUTH_ID = u8(1);
    public static final U16 T_ID = u16(4);
    public static final int COMMON_BYTES = 6;

    // AUTH_Negotiate: a header, then a descriptor for each protocol.

    public static final U8 NEGOTIATE_SC_C = u8(6); // secure channel concatenation
    public static final U8 NEGOTIATE_NAPD = u8(7); // descriptors
    public static final int NEGOTIATE_BYTES = 8;
    public static final int DESCRIPTOR_BYTES = 64;

    // Of a descriptor, from its start on.

    public static final U8 DESCRIPTOR_AUTH_ID = u8(0); // 01h DH-HMAC-CHAP
    public static final U8 DESCRIPTOR_HALEN = u8(2);
    public static final U8 DESCRIPTOR_DHLEN = u8(3);
    public static final int DESCRIPTOR_HASHES = 4;
    public static final int DESCRIPTOR_GROUPS = 34;
    public static final int DESCRIPTOR_LIST_BYTES = 30;

    // DH-HMAC-CHAP_Challenge: then CVAL of HL bytes, the DH value.

    public static final U8 CHALLENGE_HL = u8(6);
    public static final U8 CHALLENGE_HASHID = u8(8);
    public static final U8 CHALLENGE_DHGID = u8(9);
    public static final U16 CHALLENGE_DHVLEN = u16(10);
    public static final U32 CHALLENGE_SEQNUM = u32(12);

    // DH-HMAC-CHAP_Reply: then RVAL and CVAL of HL bytes each, the DH value.

    public static final U8 REPLY_HL = u8(6);
    public static final U8 REPLY_CVALID = u8(8);
    public static final U16 REPLY_DHVLEN = u16(10);
    public static final U32 REPLY_SEQNUM = u32(12);

    // DH-HMAC-CHAP_Success1: then RVAL of HL bytes where RVALID says so. Success2 has nothing of its own.

    public static final U8 SUCCESS1_HL = u8(6);
    public static final U8 SUCCESS1_RVALID = u8(8);

    /** Of a challenge, a reply, Success1 and Success2, without what follows. */
    public static final int HEADER_BYTES = 16;

    // AUTH_Failure1 and 2.

    public static final U8 FAILURE_RESCODE = u8(6);
    public static final U8 FAILURE_RESCODE_EXP = u8(7);
    public static final int FAILURE_BYTES = 8;

    public static final int TYPE_COMMON = 0;
    public static final int TYPE_DHCHAP = 1;

    public static final int NEGOTIATE = 0x00;
    public static final int CHALLENGE = 0x01;
    public static final int REPLY = 0x02;
    public static final int SUCCESS1 = 0x03;
    public static final int SUCCESS2 = 0x04;
    public static final int FAILURE2 = 0xF0;
    public static final int FAILURE1 = 0xF1;

    /** Protocol identifier in a descriptor. */
    public static final int PROTOCOL_DHCHAP = 1;

    /** The only reason code; explanations say more. */
    public static final int RESCODE_FAILURE = 1;

    public static final int AUTHENTICATION_FAILED = 1;
    public static final int PROTOCOL_NOT_USABLE = 2;
    public static final int CONCATENATION_MISMATCH = 3;
    public static final int HASH_NOT_USABLE = 4;
    public static final int GROUP_NOT_USABLE = 5;
    public static final int INCORRECT_PAYLOAD = 6;
    public static final int INCORRECT_MESSAGE = 7;

    private AuthenticationMessage() {}

    /** The specification's name of a message, for people. */
    public static String name(int type, int id) {
        return switch (type << 8 | id) {
            case NEGOTIATE -> "AUTH_Negotiate";
            case FAILURE1 -> "AUTH_Failure1";
            case FAILURE2 -> "AUTH_Failure2";
            case TYPE_DHCHAP << 8 | CHALLENGE -> "DH-HMAC-CHAP_Challenge";
            case TYPE_DHCHAP << 8 | REPLY -> "DH-HMAC-CHAP_Reply";
            case TYPE_DHCHAP << 8 | SUCCESS1 -> "DH-HMAC-CHAP_Success1";
            case TYPE_DHCHAP << 8 | SUCCESS2 -> "DH-HMAC-CHAP_Success2";
            default -> String.format("authentication message %02Xh of type %02Xh", id, type);
        };
    }

    /** The specification's words for a reason code explanation. */
    public static String explanation(int code) {
        return switch (code) {
            case AUTHENTICATION_FAILED -> "authentication failed";
            case PROTOCOL_NOT_USABLE -> "authentication protocol not usable";
            case CONCATENATION_MISMATCH -> "secure channel concatenation mismatch";
            case HASH_NOT_USABLE -> "hash function not usable";
            case GROUP_NOT_USABLE -> "DH group not usable";
            case INCORRECT_PAYLOAD -> "incorrect payload";
            case INCORRECT_MESSAGE -> "incorrect protocol message";
            default -> String.format("reason %02Xh", code);
        };
    }
}
