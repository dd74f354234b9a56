package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE16;
import static io.doorbell.vfiouser.Wire.LE32;

import java.lang.foreign.MemorySegment;

/**
 * What every message begins with: "Header".
 *
 * @param messageId by which the answer finds the question; the asker's own affair
 * @param command one of {@link Command}, or unknown
 * @param messageBytes the whole message with this header, {@link #SIZE_BYTES} to {@link #MAX_MESSAGE_BYTES}
 * @param flags {@link #REPLY}, {@link #NO_REPLY}, {@link #ERROR}
 * @param errno with {@link #ERROR}, or 0
 */
public record Header(int messageId, int command, int messageBytes, int flags, int errno) {
    public static final int SIZE_BYTES = 16;

    /** The most data that one message transfers, in both directions: the default of {@code max_data_xfer_size}. */
    public static final int MAX_DATA_BYTES = 1 << 20;

    /** The longest message we take: the most data, and the structure before it. */
    public static final int MAX_MESSAGE_BYTES = MAX_DATA_BYTES + 256;

    /** In {@link #flags}: the type, of which a command is 0 and a reply 1. */
    static final int TYPE_MASK = 0xF;

    public static final int REPLY = 1;
    public static final int NO_REPLY = 1 << 4;
    public static final int ERROR = 1 << 5;

    /**
     * @throws ProtocolException for a length or a type that no message has; what follows it in the stream cannot be told then
     */
    static Header decode(MemorySegment bytes) {
        var header = new Header(
                Short.toUnsignedInt(bytes.get(LE16, 0)),
                Short.toUnsignedInt(bytes.get(LE16, 2)),
                bytes.get(LE32, 4),
                bytes.get(LE32, 8),
                bytes.get(LE32, 12));
        if (header.messageBytes < SIZE_BYTES || header.messageBytes > MAX_MESSAGE_BYTES) {
            throw new ProtocolException("a message of " + Integer.toUnsignedString(header.messageBytes) + " bytes: "
                    + SIZE_BYTES + " to " + MAX_MESSAGE_BYTES);
        }
        if ((header.flags & TYPE_MASK) > REPLY) {
            throw new ProtocolException("a message of type " + (header.flags & TYPE_MASK));
        }
        return header;
    }

    void encode(MemorySegment bytes) {
        bytes.set(LE16, 0, (short) messageId);
        bytes.set(LE16, 2, (short) command);
        bytes.set(LE32, 4, messageBytes);
        bytes.set(LE32, 8, flags);
        bytes.set(LE32, 12, errno);
    }

    boolean isReply() {
        return (flags & TYPE_MASK) == REPLY;
    }

    boolean isError() {
        return (flags & ERROR) != 0;
    }

    /** Whether a command is not to be answered. */
    boolean wantsNoReply() {
        return (flags & NO_REPLY) != 0;
    }
}
