package io.doorbell.platform;

/** Waits that an interrupt does not end: for who has to go on before anybody may stop it. Afterwards its thread is interrupted as ever. */
public final class Uninterrupted {
    private Uninterrupted() {}

    /** One wait; asked for again when it is interrupted. */
    @FunctionalInterface
    public interface Wait<T> {
        /** @param nanos how long at most, at least 0 */
        T until(long nanos) throws InterruptedException;
    }

    /** @param deadline as {@link System#nanoTime} counts */
    public static <T> T until(long deadline, Wait<T> wait) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return wait.until(Math.max(0, deadline - System.nanoTime()));
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
