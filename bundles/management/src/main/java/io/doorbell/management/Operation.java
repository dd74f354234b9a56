package io.doorbell.management;

import java.io.UncheckedIOException;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What an operator asks for: told in the log, and with errors that every JMX client can read, which has no class of ours. */
final class Operation {
    private static final Logger LOG = LoggerFactory.getLogger(Operation.class);

    /** Of what is logged: a client decides how much it sends. */
    private static final int MAX_LOGGED = 300;

    static final String REPLACED = "the bundle that does it was replaced, or taken away, meanwhile";

    private Operation() {}

    static void of(String what, Runnable action) {
        of(what, () -> {
            action.run();
            return null;
        });
    }

    /**
     * @param what in words, with its arguments
     * @throws IllegalArgumentException for wrong arguments
     * @throws IllegalStateException for what cannot be done now
     */
    static <T> T of(String what, Supplier<T> action) {
        var shown = shown(what);
        try {
            var result = action.get();
            LOG.info("operator: {}", shown);
            return result;
        } catch (IllegalArgumentException | UnsupportedOperationException wrong) {
            LOG.info("operator: {}: refused: {}", shown, shown(wrong.getMessage()));
            throw new IllegalArgumentException(wrong.getMessage());
        } catch (UncheckedIOException failed) {
            LOG.error("operator: {}: {}", shown, failed.getMessage());
            throw new IllegalStateException(failed.getMessage());
        } catch (RuntimeException failed) {
            LOG.warn("operator: {}: {}", shown, failed.toString());
            throw new IllegalStateException(failed.getMessage() == null ? failed.toString() : failed.getMessage());
        } catch (LinkageError replaced) {
            LOG.warn("operator: {}: {}", shown, replaced.toString());
            throw new IllegalStateException(REPLACED);
        }
    }

    /** The value there is for a key, or an error that names those there are. */
    static <T> T one(Map<String, T> from, String key, String what) {
        var found = key == null ? null : from.get(key);
        if (found == null) {
            throw new IllegalArgumentException("there is no " + what + " \"" + key + "\"; there are "
                    + (from.isEmpty() ? "none" : String.join(", ", from.keySet())));
        }
        return found;
    }

    static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }

    private static String shown(String text) {
        var line = printable(String.valueOf(text));
        return line.length() <= MAX_LOGGED ? line : line.substring(0, MAX_LOGGED) + "...";
    }
}
