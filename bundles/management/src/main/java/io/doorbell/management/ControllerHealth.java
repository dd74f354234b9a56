package io.doorbell.management;

import io.doorbell.host.NvmeController;
import io.doorbell.host.admin.AdminCommands;
import io.doorbell.nvme.SmartLog;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.time.Duration;

/**
 * What the SMART log of a controller said when it was read last. NVMe Base 2.1 §5.1.12.1.3 "SMART / Health Information".
 *
 * @param readAtMillis ms since 1970; 0 where it could not be read yet
 * @param percentageUsed of the life that its maker expects; may exceed 100
 * @param criticalWarning bits: 0 spare, 1 temperature, 2 reliability, 3 read only, 4 volatile memory backup
 */
public record ControllerHealth(
        long readAtMillis,
        int temperatureCelsius,
        int percentageUsed,
        int availableSparePercent,
        int availableSpareThresholdPercent,
        int criticalWarning,
        long powerOnHours,
        long unsafeShutdowns,
        long mediaErrors,
        long bytesRead,
        long bytesWritten,
        long readCommands,
        long writeCommands) {
    static final ControllerHealth UNKNOWN = new ControllerHealth(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    private static final Duration BOUND = Duration.ofSeconds(5);
    private static final int ZERO_CELSIUS_KELVIN = 273;

    /** Asks the controller, and waits. */
    static ControllerHealth read(NvmeController controller) {
        // Retaining: an event that the driver has yet to read of is not to be cleared by who looks around.
        return of(new AdminCommands(controller, BOUND).retainingEvents().smart(), System.currentTimeMillis());
    }

    static ControllerHealth of(MemorySegment log, long nowMillis) {
        int kelvin = SmartLog.COMPOSITE_TEMPERATURE.get(log);
        return new ControllerHealth(
                nowMillis,
                kelvin == 0 ? 0 : kelvin - ZERO_CELSIUS_KELVIN,
                SmartLog.PERCENTAGE_USED.get(log),
                SmartLog.AVAILABLE_SPARE.get(log),
                SmartLog.AVAILABLE_SPARE_THRESHOLD.get(log),
                SmartLog.CRITICAL_WARNING.get(log),
                clamped(SmartLog.POWER_ON_HOURS.get(log)),
                clamped(SmartLog.UNSAFE_SHUTDOWNS.get(log)),
                clamped(SmartLog.MEDIA_ERRORS.get(log)),
                bytes(SmartLog.DATA_UNITS_READ.get(log)),
                bytes(SmartLog.DATA_UNITS_WRITTEN.get(log)),
                clamped(SmartLog.HOST_READ_COMMANDS.get(log)),
                clamped(SmartLog.HOST_WRITE_COMMANDS.get(log)));
    }

    /** 128 bits say more than anything that is counted will ever reach; a device may say anything. */
    private static long clamped(BigInteger count) {
        return count.bitLength() < Long.SIZE ? count.longValue() : Long.MAX_VALUE;
    }

    private static long bytes(BigInteger dataUnits) {
        return clamped(dataUnits.multiply(BigInteger.valueOf(SmartLog.DATA_UNIT_BYTES)));
    }
}
