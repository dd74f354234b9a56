package io.doorbell.rdmahost;

import java.util.ArrayDeque;

/** Parts of a whole: closed in reverse order, each of them also when another fails, unless they are kept. One thread. */
final class Parts implements AutoCloseable {
    private final ArrayDeque<AutoCloseable> parts = new ArrayDeque<>();

    <T extends AutoCloseable> T add(T part) {
        parts.push(part);
        return part;
    }

    /** The whole is made. */
    void keep() {
        parts.clear();
    }

    @Override
    public void close() {
        RuntimeException first = null;
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception failed) {
                if (first == null) {
                    first = failed instanceof RuntimeException e ? e : new IllegalStateException(failed);
                } else {
                    first.addSuppressed(failed);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
