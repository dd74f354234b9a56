package io.doorbell.host;

import java.time.Duration;
import java.util.Objects;

/**
 * An error the driver makes up, so that a holder can see what it does about errors. Of a queue pair; each applies to the
 * first commands with its opcode, until it is used up. A command of several parts is one command.
 *
 * @param opcode of the commands, one of {@code io.doorbell.nvme.NvmOpcode}
 * @param submitted whether the device gets the command, whose own outcome is then replaced; else it never hears of it
 * @param delay how long the command is kept after it would have ended, about: zero for not at all
 * @param count how many commands; at least 1
 * @param status what they end with, see {@code io.doorbell.nvme.Status}; 0 leaves a submitted command its own
 */
public record InjectedError(int opcode, boolean submitted, Duration delay, int count, int status) {
    private static final int LAST_STATUS = 0x7FFF;

    public InjectedError {
        Objects.requireNonNull(delay, "delay");
        if (count < 1 || status < 0 || status > LAST_STATUS || delay.isNegative() || delay.toMillis() > 3_600_000) {
            throw new IllegalArgumentException("injected error: count " + count + " (at least 1), status " + status
                    + " (15 bits), delay " + delay + " (up to an hour)");
        }
    }
}
