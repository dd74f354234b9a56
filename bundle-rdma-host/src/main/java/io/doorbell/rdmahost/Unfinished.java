package io.doorbell.rdmahost;

import java.util.ArrayDeque;

/** What has been made of a whole that may yet fail: closed in reverse order, unless it is kept. */
final class Unfinished implements AutoCloseable {
    private final ArrayDeque<AutoCloseable> made = new ArrayDeque<>();

    <T extends AutoCloseable> T add(T part) {
        made.push(part);
        return part;
    }

    void keep() {
        made.clear();
    }

    @Override
    public void close() {
        for (var part : made) {
            try {
                part.close();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception impossible) {
                throw new IllegalStateException(impossible);
            }
        }
    }
}
