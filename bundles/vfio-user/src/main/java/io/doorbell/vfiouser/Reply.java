package io.doorbell.vfiouser;

import java.lang.foreign.MemorySegment;

/**
 * The answer to a command that could be done.
 *
 * @param payload what follows the header, of 0 bytes or more
 * @param descriptors numbers to send along; they stay whose they are, and stay open until it was sent
 */
public record Reply(MemorySegment payload, int... descriptors) {
    /** A header alone. */
    public static final Reply EMPTY = new Reply(MemorySegment.ofArray(new byte[0]));
}
