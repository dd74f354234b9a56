package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.Status;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FeaturesTest {
    private final Rig rig = new Rig().memory(1, 512, 8).enabled();

    @AfterEach
    void close() {
        rig.close();
    }

    private int get(int fid, int select, int cdw11) {
        var request = Rig.command(AdminOpcode.GET_FEATURES, 0, fid | select << 8, cdw11);
        int status = rig.admin(request);
        result = request.result;
        return Status.code(status);
    }

    private long result;

    private int set(int fid, int cdw11, byte[] data) {
        return Status.code(
                rig.run(rig.controller.adminPath(), Rig.command(AdminOpcode.SET_FEATURES, 0, fid, cdw11), data));
    }

    @Test
    void keepsWhatIsSetUntilAReset() {
        for (int fid :
                List.of(FeatureId.ARBITRATION, FeatureId.INTERRUPT_COALESCING, FeatureId.WRITE_ATOMICITY_NORMAL)) {
            long before = rig.feature(fid);

            assertThat(rig.setFeature(fid, 1)).isZero();

            assertThat(rig.feature(fid)).as(FeatureId.name(fid)).isEqualTo(1);
            assertThat(get(fid, FeatureId.Select.DEFAULT, 0)).isZero();
            assertThat(result).isEqualTo(before);
            rig.controller.configure(0);
            rig.enabled();
            assertThat(rig.feature(fid)).isEqualTo(before);
        }
    }

    @Test
    void grantsQueuesUpToWhatTheTransportHas() {
        var request = Rig.command(AdminOpcode.SET_FEATURES, 0, FeatureId.NUMBER_OF_QUEUES, 2 << 16 | 100);

        assertThat(rig.admin(request)).isZero();

        assertThat(request.result).isEqualTo(2 << 16 | Rig.MAX_QUEUE_PAIRS - 1);
        assertThat(rig.controller.grantedIoQueuePairs()).isEqualTo(3);
        assertThat(rig.setFeature(FeatureId.NUMBER_OF_QUEUES, 0xFFFF)).isEqualTo(Status.INVALID_FIELD);
        assertThat(rig.setFeature(FeatureId.NUMBER_OF_QUEUES, 0xFFFF << 16)).isEqualTo(Status.INVALID_FIELD);
    }

    @Test
    void tellsWhatCanBeDoneWithAFeature() {
        assertThat(get(FeatureId.ARBITRATION, FeatureId.Select.SUPPORTED_CAPABILITIES, 0))
                .isZero();
        assertThat(result).as("changeable, not saveable").isEqualTo(4);
        assertThat(get(FeatureId.ERROR_RECOVERY, FeatureId.Select.SUPPORTED_CAPABILITIES, 0))
                .isZero();
        assertThat(result).as("changeable, per namespace").isEqualTo(6);
        assertThat(get(FeatureId.ARBITRATION, 4, 0)).isEqualTo(Status.INVALID_FIELD);
    }

    @Test
    void savesNothingAndSaysSo() {
        assertThat(rig.setFeature(FeatureId.ARBITRATION | FeatureId.SAVE, 3)).isEqualTo(Status.FEATURE_NOT_SAVEABLE);
        rig.setFeature(FeatureId.ARBITRATION, 3);

        assertThat(get(FeatureId.ARBITRATION, FeatureId.Select.SAVED, 0)).isZero();

        assertThat(result).as("the default").isEqualTo(7);
    }

    @Test
    void refusesFeaturesItDoesNotHave() {
        for (int fid : List.of(
                0,
                FeatureId.LBA_RANGE_TYPE,
                FeatureId.VOLATILE_WRITE_CACHE,
                FeatureId.HOST_MEMORY_BUFFER,
                FeatureId.NAMESPACE_WRITE_PROTECTION_CONFIG,
                0xC0)) {
            assertThat(get(fid, 0, 0)).as(FeatureId.name(fid)).isEqualTo(Status.INVALID_FIELD);
            assertThat(rig.setFeature(fid, 0)).as(FeatureId.name(fid)).isEqualTo(Status.INVALID_FIELD);
        }
    }

    @Test
    void aFeatureOfTheControllerIsNotSetForANamespace() {
        int status = rig.admin(Rig.command(AdminOpcode.SET_FEATURES, 1, FeatureId.ARBITRATION, 0));

        assertThat(Status.code(status)).isEqualTo(Status.FEATURE_NOT_NAMESPACE_SPECIFIC);
    }

    @Test
    void errorRecoveryIsPerNamespace() {
        assertThat(rig.admin(Rig.command(AdminOpcode.SET_FEATURES, 1, FeatureId.ERROR_RECOVERY, 9)))
                .isZero();
        var one = Rig.command(AdminOpcode.GET_FEATURES, 1, FeatureId.ERROR_RECOVERY, 0);
        var two = Rig.command(AdminOpcode.GET_FEATURES, 2, FeatureId.ERROR_RECOVERY, 0);

        assertThat(rig.admin(one)).isZero();
        assertThat(rig.admin(two)).isZero();

        assertThat(one.result).isEqualTo(9);
        assertThat(two.result).isZero();
        assertThat(Status.code(rig.admin(Rig.command(AdminOpcode.SET_FEATURES, 1, FeatureId.ERROR_RECOVERY, 1 << 16))))
                .as("errors for deallocated blocks, which there are not")
                .isEqualTo(Status.INVALID_FIELD);
        assertThat(Status.code(rig.admin(Rig.command(AdminOpcode.SET_FEATURES, 5000, FeatureId.ERROR_RECOVERY, 1))))
                .isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
    }

    @Test
    void hasOnePowerState() {
        assertThat(rig.setFeature(FeatureId.POWER_MANAGEMENT, 0)).isZero();
        assertThat(rig.setFeature(FeatureId.POWER_MANAGEMENT, 1)).isEqualTo(Status.INVALID_FIELD);
    }

    @Test
    void interruptVectorsAreThoseThereAre() {
        assertThat(rig.setFeature(FeatureId.INTERRUPT_VECTOR_CONFIGURATION, 1 << 16 | 2))
                .isZero();
        assertThat(get(FeatureId.INTERRUPT_VECTOR_CONFIGURATION, 0, 2)).isZero();
        assertThat(result).isEqualTo(1 << 16 | 2);
        assertThat(rig.setFeature(FeatureId.INTERRUPT_VECTOR_CONFIGURATION, 9)).isEqualTo(Status.INVALID_FIELD);
    }

    @Test
    void keepAliveTimeoutIsRoundedUpToItsUnit() {
        assertThat(rig.setFeature(FeatureId.KEEP_ALIVE_TIMER, 1001)).isZero();

        assertThat(rig.feature(FeatureId.KEEP_ALIVE_TIMER)).isEqualTo(1100);
        assertThat(rig.setFeature(FeatureId.KEEP_ALIVE_TIMER, -1)).isEqualTo(Status.KEEP_ALIVE_TIMEOUT_INVALID);
    }

    @Test
    void keepsOnlyEventsItCanRaise() {
        rig.setFeature(FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION, -1);

        assertThat(rig.feature(FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION))
                .isEqualTo(0x1F
                        | AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES
                        | AsyncEvent.CONFIG_FIRMWARE_ACTIVATION_NOTICES);
    }

    @Test
    void temperatureThresholdsAreOfTheCompositeTemperature() {
        assertThat(rig.setFeature(FeatureId.TEMPERATURE_THRESHOLD, 1 << 20 | 280))
                .isZero();

        assertThat(get(FeatureId.TEMPERATURE_THRESHOLD, 0, 1 << 20)).isZero();
        assertThat(result).isEqualTo(280);
        assertThat(get(FeatureId.TEMPERATURE_THRESHOLD, 0, 0)).isZero();
        assertThat(result).isEqualTo(IdentifyPages.WARNING_KELVIN);
        assertThat(get(FeatureId.TEMPERATURE_THRESHOLD, 0, 1 << 16)).isEqualTo(Status.INVALID_FIELD);
        assertThat(rig.setFeature(FeatureId.TEMPERATURE_THRESHOLD, 2 << 20)).isEqualTo(Status.INVALID_FIELD);
    }

    @Test
    void timestampRunsOnFromWhatIsSet() {
        long set = 1_700_000_000_000L;
        var data = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(set);

        assertThat(set(FeatureId.TIMESTAMP, 0, data.array())).isZero();
        rig.clock.now = rig.clock.now.plusMillis(1234);
        assertThat(get(FeatureId.TIMESTAMP, 0, 0)).isZero();

        long read = ByteBuffer.wrap(rig.data).order(ByteOrder.LITTLE_ENDIAN).getLong();
        assertThat(read & (1L << 48) - 1).isEqualTo(set + 1234);
        assertThat(read >>> 49 & 7).as("origin: set by the host").isEqualTo(1);
    }

    @Test
    void hostIdentifierIsKeptInTheWidthItWasSet() {
        var id = new byte[16];
        id[0] = 5;

        assertThat(set(FeatureId.HOST_IDENTIFIER, 1, id)).isZero();

        assertThat(get(FeatureId.HOST_IDENTIFIER, 0, 1)).isZero();
        assertThat(rig.data).isEqualTo(id);
        assertThat(get(FeatureId.HOST_IDENTIFIER, 0, 0)).isEqualTo(Status.HOST_IDENTIFIER_INCONSISTENT_FORMAT);
        assertThat(set(FeatureId.HOST_IDENTIFIER, 1, new byte[16])).isEqualTo(Status.INVALID_FIELD);
    }

    @Test
    void fabricsHaveNoInterruptsAndAHostIdentifierFromConnect() {
        var fabrics = rig.controller("fabrics", false, true, new Rig.Transport());

        assertThat(rig.setFeature(fabrics, FeatureId.INTERRUPT_COALESCING, 1)).isEqualTo(Status.INVALID_FIELD);
        assertThat(rig.setFeature(fabrics, FeatureId.HOST_IDENTIFIER, 1)).isEqualTo(Status.COMMAND_SEQUENCE_ERROR);
    }
}
