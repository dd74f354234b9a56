package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE16;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** The first message of a connection, and its answer: VERSION. */
public record Version(int major, int minor, Capabilities capabilities) {
    /** What we speak. */
    public static final int MAJOR = 0;

    public static final int MINOR = 1;

    private static final int DATA_OFFSET = 4;

    /** @throws ProtocolException if it is malformed, or of another major version than ours */
    public static Version decode(MemorySegment payload) {
        Wire.require(payload, DATA_OFFSET, "VERSION");
        int major = Short.toUnsignedInt(payload.get(LE16, 0));
        int minor = Short.toUnsignedInt(payload.get(LE16, 2));
        if (major != MAJOR) {
            throw new ProtocolException(
                    "protocol version " + major + "." + minor + "; " + MAJOR + "." + MINOR + " is spoken here");
        }
        byte[] data = payload.asSlice(DATA_OFFSET).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
        if (data.length > 0 && data[data.length - 1] != 0) {
            throw new ProtocolException("version data that does not end in NUL");
        }
        int length = Math.max(0, data.length - 1);
        return new Version(major, minor, Capabilities.parse(new String(data, 0, length, StandardCharsets.UTF_8)));
    }

    public MemorySegment encode() {
        byte[] data = (capabilities.json() + "\0").getBytes(StandardCharsets.UTF_8);
        var payload = Wire.allocate(DATA_OFFSET + data.length);
        payload.set(LE16, 0, (short) major);
        payload.set(LE16, 2, (short) minor);
        MemorySegment.copy(data, 0, payload, java.lang.foreign.ValueLayout.JAVA_BYTE, DATA_OFFSET, data.length);
        return payload;
    }

    /** The answer to it: no later minor version than was asked for. */
    public Version answer(Capabilities ours) {
        return new Version(MAJOR, Math.min(minor, MINOR), ours);
    }
}
