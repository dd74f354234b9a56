package io.doorbell.storage;

import io.doorbell.reactor.Reactor;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What executes NVM commands and keeps the blocks. Control plane: any thread.
 */
public interface Namespace extends AutoCloseable {

    NamespaceShape shape();

    /**
     * A session for one reactor: everything it does, it does for that reactor's thread alone. Close it there too.
     *
     * @throws IllegalStateException when the namespace is closed, or has as many sessions as it can have
     */
    NamespaceSession open(Reactor reactor);

    /**
     * Makes everything durable that was written, as a Flush does. May block. Nothing to do where there is no volatile
     * cache.
     *
     * @throws java.io.UncheckedIOException when it could not be made durable
     */
    void flush();

    /**
     * Makes it anew with blocks of another format, or of the same: every block reads zero from then on, durably, and
     * {@link #shape} says so. The identity stays, and so do the bytes there are, rounded down to whole blocks. No
     * session is open. May block.
     *
     * @throws IllegalArgumentException when not one block of that size fits
     * @throws UnsupportedOperationException when the store cannot be formatted
     * @throws java.io.UncheckedIOException when it cannot be done; what was written may be there or not
     */
    default void format(BlockFormat format) {
        throw new UnsupportedOperationException(shape().backend() + " cannot be formatted");
    }

    /** As {@link #format(BlockFormat)}, without metadata. */
    default void format(int blockBytes) {
        format(BlockFormat.of(blockBytes));
    }

    /**
     * Another size: {@link #shape} says so from then on, durably. Sessions may be open. When it grows they go on with the blocks they
     * know; the new ones read zero, and are for sessions opened from then on. When it shrinks, whoever calls has seen to it that no
     * session uses what lies behind the new end, and that is gone for good. May block.
     *
     * @param bytes of data, rounded down to whole blocks
     * @throws IllegalArgumentException when it cannot have that size: what is allowed
     * @throws UnsupportedOperationException when the store cannot be resized
     * @throws java.io.UncheckedIOException when it could not be done; it has the size of before then
     */
    default void resize(long bytes) {
        throw new UnsupportedOperationException(shape().backend() + " cannot be resized");
    }

    /** Whether {@link #erase} can be done: asked before anything is begun that concerns other namespaces too. */
    default boolean isErasable() {
        return false;
    }

    /**
     * Removes what was written, as thoroughly as the store allows, and durably: every block reads zero from then on. No
     * session is open. May take long.
     *
     * @return false when {@code progress} stopped it
     * @throws UnsupportedOperationException when the store cannot be erased
     * @throws java.io.UncheckedIOException when it could not be done
     */
    default boolean erase(Erasure erasure, Progress progress) {
        throw new UnsupportedOperationException(shape().backend() + " cannot be erased");
    }

    /**
     * Reads every block, to see that it can be read; nothing to do where that cannot fail. Sessions may be open. May take long.
     *
     * @return false when {@code progress} stopped it
     * @throws java.io.UncheckedIOException when a block cannot be read
     */
    default boolean scan(Progress progress) {
        return progress.at(1, 1);
    }

    /** How far something is that takes long. */
    @FunctionalInterface
    interface Progress {
        /** Told now and then. @return whether to go on */
        boolean at(long doneBytes, long ofBytes);
    }

    /**
     * How data is removed.
     *
     * @param passes how often {@code pattern} is written over everything before, 0 to 16
     * @param inverted whether it is inverted between passes; the last one writes it as it is
     */
    record Erasure(int passes, int pattern, boolean inverted) {
        /** Nothing is written over: blocks are given back, or zeroed where that cannot be. */
        public static final Erasure DISCARD = new Erasure(0, 0, false);

        public static final int MAX_PASSES = 16;

        public Erasure {
            if (passes < 0 || passes > MAX_PASSES) {
                throw new IllegalArgumentException("overwrite passes " + passes + ": 0 to " + MAX_PASSES);
            }
        }

        /** What pass {@code pass} writes, from 0 on. */
        public int patternOf(int pass) {
            return inverted && (passes - 1 - pass) % 2 != 0 ? ~pattern : pattern;
        }
    }

    /**
     * A file for what belongs to the data and has to be kept with it; empty where the data ends with the namespace.
     *
     * @param extension of its name, such as {@code .zones}
     */
    default Optional<Path> beside(String extension) {
        return Optional.empty();
    }

    /** Ends the namespace: what was flushed is durable. Sessions are closed before. Idempotent. */
    @Override
    void close();
}
