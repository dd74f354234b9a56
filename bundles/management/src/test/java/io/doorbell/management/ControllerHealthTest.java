package io.doorbell.management;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.SmartLog;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import org.junit.jupiter.api.Test;

class ControllerHealthTest {
    private static BigInteger many(long count) {
        return BigInteger.valueOf(count);
    }

    @Test
    void everyFigureIsThatOfTheLog() {
        var log = MemorySegment.ofArray(new byte[SmartLog.SIZE_BYTES]);
        SmartLog.CRITICAL_WARNING.set(log, 2);
        SmartLog.COMPOSITE_TEMPERATURE.set(log, 314);
        SmartLog.AVAILABLE_SPARE.set(log, 97);
        SmartLog.AVAILABLE_SPARE_THRESHOLD.set(log, 10);
        SmartLog.PERCENTAGE_USED.set(log, 250);
        SmartLog.DATA_UNITS_READ.set(log, many(3));
        SmartLog.DATA_UNITS_WRITTEN.set(log, many(5));
        SmartLog.HOST_READ_COMMANDS.set(log, many(1L << 40));
        SmartLog.HOST_WRITE_COMMANDS.set(log, BigInteger.ONE.shiftLeft(100));
        SmartLog.POWER_ON_HOURS.set(log, many(8_760));
        SmartLog.UNSAFE_SHUTDOWNS.set(log, many(7));
        SmartLog.MEDIA_ERRORS.set(log, many(11));

        var health = ControllerHealth.of(log, 77);

        assertThat(health.readAtMillis()).isEqualTo(77);
        assertThat(health.criticalWarning()).isEqualTo(2);
        assertThat(health.temperatureCelsius()).isEqualTo(41);
        assertThat(health.availableSparePercent()).isEqualTo(97);
        assertThat(health.availableSpareThresholdPercent()).isEqualTo(10);
        assertThat(health.percentageUsed()).isEqualTo(250);
        assertThat(health.bytesRead()).isEqualTo(3 * 512_000);
        assertThat(health.bytesWritten()).isEqualTo(5 * 512_000);
        assertThat(health.readCommands()).isEqualTo(1L << 40);
        assertThat(health.writeCommands()).as("more than a long has").isEqualTo(Long.MAX_VALUE);
        assertThat(health.powerOnHours()).isEqualTo(8_760);
        assertThat(health.unsafeShutdowns()).isEqualTo(7);
        assertThat(health.mediaErrors()).isEqualTo(11);
    }
}
