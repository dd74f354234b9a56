package io.doorbell.driver;

import io.doorbell.nvme.Status;

/**
 * Which commands are given to the device again. NVMe Base 2.1 §4.2.3.1, Do Not Retry and Command Retry Delay.
 *
 * @param most times that one command is retried; 0 for never
 * @param firstDelayMillis what the controller says with Command Retry Delay 1, 2, 3
 */
public record RetryPolicy(int most, int firstDelayMillis, int secondDelayMillis, int thirdDelayMillis) {
    public static final RetryPolicy NONE = new RetryPolicy(0, 0, 0, 0);

    /** A command that should wait for longer than this is the holder's to decide about. */
    public static final int LONGEST_DELAY_MILLIS = 60_000;

    /** The unit of CRDT1 to CRDT3. */
    public static final int UNIT_MILLIS = 100;

    /** Milliseconds until it is retried; -1 when it is not. */
    public int delayMillis(int status) {
        if ((status & Status.DNR) != 0 || !mayHelp(Status.code(status))) {
            return -1;
        }
        int delay = switch (new Status(status).crd()) {
            case 1 -> firstDelayMillis;
            case 2 -> secondDelayMillis;
            case 3 -> thirdDelayMillis;
            default -> 0;
        };
        return delay > LONGEST_DELAY_MILLIS ? -1 : delay;
    }

    private static boolean mayHelp(int code) {
        return switch (code) {
            case Status.NAMESPACE_NOT_READY,
                    Status.FORMAT_IN_PROGRESS,
                    Status.INTERNAL_PATH_ERROR,
                    Status.COMMAND_INTERRUPTED -> true;
            default -> false;
        };
    }
}
