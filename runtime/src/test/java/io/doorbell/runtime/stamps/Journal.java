package io.doorbell.runtime.stamps;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What a {@link StampedLoad} did, in a file that outlives its process, and what it is to do: the test at the other end maps the same file. One word
 * for each thing; written by the load, but for {@link #MODE}, which is the test's.
 */
public final class Journal {
    /** Blocks that are written, from block 0 on. */
    public static final int BLOCKS = 256;

    // Words.
    public static final int MODE = 0;
    public static final int QUIET = 1;
    public static final int GRANTED = 2;
    public static final int ENDED_CONTROLLER_GONE = 3;
    public static final int ENDED_BY_HOLDER = 4;
    public static final int ENDED_BY_OPERATOR = 5;
    public static final int ENDED_OTHERWISE = 6;
    public static final int VERIFIED = 7;
    public static final int SUBMITTED = 8;
    public static final int ENDED = 9;
    public static final int DURABLE = 10;
    public static final int VIOLATIONS = 11;
    public static final int ADMIN_ENDED = 12;
    public static final int ADMIN_FAILED = 13;
    public static final int LONGEST_END_MILLIS = 14;
    public static final int LAST_STAMP = 15;
    public static final int REFUSED = 16;
    public static final int PATH_ERRORS = 17;
    private static final int STAMPS = 32;

    private static final VarHandle WORD = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int BYTES = (STAMPS + 2 * BLOCKS) * Long.BYTES;

    private final ByteBuffer words;
    private final Path said;

    /** What the load is to do until it is told otherwise. */
    public enum Mode {
        /** Nothing: no lease is held. */
        QUIET,
        /** Writes and reads. */
        LOAD,
        /** The same, and lets go and asks again all the time. */
        GRANT,
        /** The same, while an operator takes leases back. */
        REVOKE,
        /** The same, beside Format, Namespace Management and other admin commands. */
        ADMIN,
        /** The same, while the controller is reset. */
        RESET
    }

    public Journal(Path file) {
        said = file.resolveSibling(file.getFileName() + ".said");
        try (var channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            words = channel.map(FileChannel.MapMode.READ_WRITE, 0, BYTES).order(ByteOrder.LITTLE_ENDIAN);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public long get(int word) {
        return (long) WORD.getVolatile(words, word * Long.BYTES);
    }

    public void set(int word, long value) {
        WORD.setVolatile(words, word * Long.BYTES, value);
    }

    /** By whoever alone writes the word. */
    void count(int word) {
        set(word, get(word) + 1);
    }

    public Mode mode() {
        return Mode.values()[(int) get(MODE)];
    }

    public void mode(Mode mode) {
        set(MODE, mode.ordinal());
    }

    /** The latest stamp that a write of the block was submitted with. */
    long submitted(int block) {
        return get(STAMPS + 2 * block);
    }

    void submitted(int block, long stamp) {
        set(STAMPS + 2 * block, stamp);
    }

    /** The latest stamp that was acknowledged with FUA, or by a Flush after it. */
    long durable(int block) {
        return get(STAMPS + 2 * block + 1);
    }

    void durable(int block, long stamp) {
        set(STAMPS + 2 * block + 1, stamp);
    }

    /** Something that must not happen has. */
    synchronized void violation(String what) {
        count(VIOLATIONS);
        try {
            Files.writeString(said, what + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What must not have happened, a line each. */
    public String violations() {
        try {
            return Files.exists(said) ? Files.readString(said) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return "leases " + get(GRANTED) + " (controller gone " + get(ENDED_CONTROLLER_GONE) + ", holder "
                + get(ENDED_BY_HOLDER) + ", operator " + get(ENDED_BY_OPERATOR) + ", other " + get(ENDED_OTHERWISE)
                + "), refused " + get(REFUSED) + ", commands " + get(SUBMITTED) + " ended " + get(ENDED) + ", durable "
                + get(DURABLE) + ", looked through " + get(VERIFIED) + " times, admin " + get(ADMIN_ENDED) + " failed "
                + get(ADMIN_FAILED) + ", path errors " + get(PATH_ERRORS) + ", longest end " + get(LONGEST_END_MILLIS)
                + " ms";
    }
}
