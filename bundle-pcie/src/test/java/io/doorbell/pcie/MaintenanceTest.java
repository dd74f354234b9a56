package io.doorbell.pcie;

import static io.doorbell.pcie.AdminRig.refusal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import io.doorbell.host.ControllerState;
import io.doorbell.host.admin.FirmwareUpdate;
import io.doorbell.host.admin.FirmwareUpdate.Activation;
import io.doorbell.host.admin.Sanitization;
import io.doorbell.host.admin.SelfTest;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.DeviceSelfTestLog;
import io.doorbell.nvme.FirmwareCommitAction;
import io.doorbell.nvme.FormatSettings;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.SanitizeSettings;
import io.doorbell.nvme.SanitizeStatusLog;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is done to a device as a whole, by the typed operations, over the driver, to an emulated controller. */
class MaintenanceTest {
    private static final int NSID = EmulatedRig.NSID;

    private final AdminRig rig = new AdminRig();
    private final FirmwareUpdate firmware = new FirmwareUpdate(rig.admin);
    private final Sanitization sanitization = new Sanitization(rig.admin);
    private final SelfTest selfTest = new SelfTest(rig.admin);

    @AfterEach
    void close() {
        rig.close();
    }

    private void format(int formatIndex) {
        rig.namespaces.format(NSID, FormatSettings.ofIndex(formatIndex), AdminRig.BOUND);
    }

    private int formatRefusal(int nsid, FormatSettings settings) {
        return refusal(() -> rig.namespaces.format(nsid, settings, AdminRig.BOUND));
    }

    private static byte[] filled(int bytes) {
        var data = new byte[bytes];
        Arrays.fill(data, (byte) 0x77);
        return data;
    }

    @Test
    void aFormatChangesTheBlocksAndRemovesTheData() {
        rig.write(NSID, 8, filled(512));

        format(1);

        var namespace = rig.controller.namespaces().getFirst();
        assertThat(namespace.blockBytes()).isEqualTo(4096);
        assertThat(namespace.byteSize()).isEqualTo(16 << 20);
        assertThat(rig.read(NSID, 1, 4096)).containsOnly(0);
        rig.write(NSID, 4095, filled(4096));
        assertThat(rig.read(NSID, 4095, 4096)).isEqualTo(filled(4096));
        assertThat(IdentifyNamespace.FLBAS.get(rig.admin.identifyNamespace(NSID)))
                .isEqualTo(1);

        rig.namespaces.format(
                NSID, FormatSettings.ofIndex(0).withSecureErase(FormatSettings.USER_DATA_ERASE), AdminRig.BOUND);

        assertThat(rig.controller.namespaces().getFirst().blockBytes()).isEqualTo(512);
        assertThat(rig.read(NSID, 4095 * 8, 512)).containsOnly(0);
    }

    @Test
    void aFormatWaitsForWhatIsInFlightAndTheQueuePairGoesOnAfterIt() {
        int[] ended = {0};
        int[] status = {0};
        try (var held = new EmulatedRig.Held(rig.controller, 16, 8192, (token, result, dw0) -> {
            ended[0]++;
            status[0] = result;
        })) {
            assertThat(held.pair.write(NSID, 0, 8, held.data, 0, 0, 1)).isNotNegative();
            held.pair.commit();

            format(1);

            held.pollUntil(() -> ended[0] == 1);
            assertThat(status[0]).isZero();
            // The same queue pair counts in the new blocks.
            assertThat(held.pair.read(NSID, 4095, 1, held.data, 0, 0, 2)).isNotNegative();
            held.pair.commit();
            held.pollUntil(() -> ended[0] == 2);
            assertThat(status[0]).isZero();
        }
    }

    @Test
    void refusesFormatsThatCannotBe() {
        assertThat(formatRefusal(NSID, FormatSettings.ofIndex(9))).isEqualTo(Status.INVALID_FORMAT);
        assertThat(formatRefusal(NSID, new FormatSettings(0, true, 0, false, 0)))
                .isEqualTo(Status.INVALID_FORMAT);
        assertThat(formatRefusal(NSID, new FormatSettings(0, false, 1, false, 0)))
                .isEqualTo(Status.INVALID_FORMAT);
        assertThat(formatRefusal(NSID, FormatSettings.ofIndex(0).withSecureErase(FormatSettings.CRYPTOGRAPHIC_ERASE)))
                .isEqualTo(Status.INVALID_FIELD);
        assertThat(formatRefusal(77, FormatSettings.ofIndex(0))).isEqualTo(Status.INVALID_FIELD);
        assertThat(formatRefusal(5000, FormatSettings.ofIndex(0))).isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
        assertThat(refusal(() -> rig.namespaces.formatAll(FormatSettings.ofIndex(0), AdminRig.BOUND)))
                .isEqualTo(Status.INVALID_FIELD);
        assertThat(rig.controller.namespaces().getFirst().blockBytes()).isEqualTo(512);
    }

    private static MemorySegment image(String revision, int bytes) {
        var image = new byte[bytes];
        var header = ("DOORBELL" + (revision + "        ").substring(0, 8)).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(header, 0, image, 0, header.length);
        return MemorySegment.ofArray(image);
    }

    @Test
    void firmwareIsDownloadedInPiecesCommittedAndActivatedByAReset() {
        assertThat(firmware.slots())
                .isEqualTo(new FirmwareUpdate.Slots(1, 0, java.util.List.of("0.1", "", "", "", "", "", "")));

        // More than one command moves, and an end that is no multiple of the granularity.
        firmware.download(image("2.0", rig.controller.maxAdminDataBytes() * 2 + 512));
        var needed = firmware.commit(2, FirmwareCommitAction.REPLACE_AND_ACTIVATE);

        assertThat(needed).isEqualTo(Activation.CONTROLLER_RESET);
        assertThat(firmware.slots().active()).isEqualTo(1);
        assertThat(firmware.slots().next()).isEqualTo(2);
        assertThat(firmware.slots().revisions()).startsWith("0.1", "2.0", "");

        rig.controller.reset("new firmware");

        assertThat(firmware.slots().active()).isEqualTo(2);
        assertThat(rig.controller.info().firmware()).isEqualTo("2.0");
        assertThat(firmware.commit(1, FirmwareCommitAction.ACTIVATE)).isEqualTo(Activation.CONTROLLER_RESET);
        rig.controller.reset("back");
        assertThat(rig.controller.info().firmware()).isEqualTo("0.1");
    }

    @Test
    void anUpdateDoesTheResetItTakes() {
        assertThat(firmware.update(image("3.1", 4096), 0, FirmwareCommitAction.REPLACE_AND_ACTIVATE))
                .isEqualTo(Activation.NONE);

        assertThat(rig.controller.state()).isEqualTo(ControllerState.READY);
        assertThat(rig.controller.info().firmware()).isEqualTo("3.1");
    }

    @Test
    void firmwareThatIsActivatedAtOnceIsToldOf() {
        firmware.download(image("4", 4096));

        assertThat(firmware.commit(3, FirmwareCommitAction.ACTIVATE_NOW)).isEqualTo(Activation.NONE);

        assertThat(firmware.slots().active()).isEqualTo(3);
        assertThat(IdentifyController.FR.get(rig.admin.identifyController())).isEqualTo("4");
        await().atMost(AdminRig.BOUND).until(() -> !rig.events.isEmpty());
        assertThat(rig.events.getFirst().info()).isEqualTo(AsyncEvent.NOTICE_FIRMWARE_ACTIVATION_STARTING);
        assertThat(rig.controller.info().firmware())
                .as("the driver has read it anew")
                .isEqualTo("4");
        assertThat(rig.controller.state()).isEqualTo(ControllerState.READY);
    }

    @Test
    void refusesFirmwareThatIsNone() {
        assertThat(refusal(() -> firmware.commit(2, FirmwareCommitAction.REPLACE)))
                .as("nothing was downloaded")
                .isEqualTo(Status.INVALID_FIRMWARE_IMAGE);
        firmware.download(MemorySegment.ofArray(new byte[4096]));
        assertThat(refusal(() -> firmware.commit(2, FirmwareCommitAction.REPLACE)))
                .isEqualTo(Status.INVALID_FIRMWARE_IMAGE);
        firmware.download(image("5", 8192));
        assertThat(refusal(() -> firmware.download(image("5", 8192)))).isEqualTo(Status.OVERLAPPING_RANGE);
        assertThat(refusal(() -> firmware.commit(2, FirmwareCommitAction.REPLACE)))
                .as("the overlap ended the download")
                .isEqualTo(Status.INVALID_FIRMWARE_IMAGE);
        assertThat(refusal(() -> firmware.download(image("5", 2 << 20)))).isEqualTo(Status.INVALID_FIELD);
        assertThat(refusal(() -> firmware.commit(1, FirmwareCommitAction.REPLACE)))
                .as("slot 1 is read only")
                .isEqualTo(Status.INVALID_FIRMWARE_SLOT);
        assertThat(refusal(() -> firmware.commit(7, FirmwareCommitAction.REPLACE)))
                .isEqualTo(Status.INVALID_FIRMWARE_SLOT);
        assertThat(refusal(() -> firmware.commit(3, FirmwareCommitAction.ACTIVATE)))
                .as("an empty slot")
                .isEqualTo(Status.INVALID_FIRMWARE_SLOT);
        assertThat(refusal(() -> firmware.commit(0, FirmwareCommitAction.REPLACE_BOOT_PARTITION)))
                .isEqualTo(Status.INVALID_FIELD);
        assertThatIllegalArgumentException().isThrownBy(() -> firmware.commit(8, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> firmware.download(MemorySegment.ofArray(new byte[6])));
        assertThat(firmware.slots().revisions()).startsWith("0.1", "", "");
    }

    @Test
    void aSanitizeErasesEveryNamespaceAndIsToldOf() {
        rig.write(NSID, 3, filled(512));
        assertThat(sanitization.progress().state()).isEqualTo(SanitizeStatusLog.NEVER);

        sanitization.start(SanitizeSettings.overwrite(2, 0xA5A5_A5A5, true));
        var last = sanitization.await(AdminRig.BOUND);

        assertThat(last.succeeded()).isTrue();
        assertThat(last.passesCompleted()).isEqualTo(2);
        assertThat(last.globalDataErased()).isTrue();
        assertThat(rig.read(NSID, 3, 512)).containsOnly(0);
        await().atMost(AdminRig.BOUND).until(() -> !rig.events.isEmpty());
        assertThat(rig.events.getFirst().type()).isEqualTo(AsyncEvent.TYPE_COMMAND_SET);
        assertThat(rig.events.getFirst().info()).isEqualTo(AsyncEvent.COMMAND_SET_SANITIZE_COMPLETED);
        rig.write(NSID, 3, filled(512));
        assertThat(sanitization.progress().globalDataErased())
                .as("something was written")
                .isFalse();

        sanitization.start(SanitizeSettings.blockErase());

        assertThat(sanitization.await(AdminRig.BOUND).succeeded()).isTrue();
        assertThat(rig.read(NSID, 3, 512)).containsOnly(0);
        sanitization.start(SanitizeSettings.exitFailureMode());
    }

    @Test
    void refusesSanitizesThatItCannotDo() {
        assertThat(refusal(() -> sanitization.start(SanitizeSettings.cryptoErase())))
                .isEqualTo(Status.INVALID_FIELD);
        assertThat(refusal(
                        () -> sanitization.start(SanitizeSettings.blockErase().withNoDeallocate(true))))
                .isEqualTo(Status.INVALID_FIELD);
        assertThat(sanitization.progress().state()).isEqualTo(SanitizeStatusLog.NEVER);
    }

    @Test
    void selfTestsEndInTheLogNewestFirst() {
        assertThat(selfTest.report().results()).isEmpty();

        selfTest.startShort();
        selfTest.await(AdminRig.BOUND);
        selfTest.startExtended();
        var report = selfTest.await(AdminRig.BOUND);

        assertThat(report.results())
                .extracting(SelfTest.Result::code)
                .containsExactly(DeviceSelfTestLog.CODE_EXTENDED, DeviceSelfTestLog.CODE_SHORT);
        assertThat(report.results()).extracting(SelfTest.Result::result).containsOnly(DeviceSelfTestLog.PASSED);
        selfTest.abort();
        assertThat(refusal(() -> selfTest.start(NSID, DeviceSelfTestLog.CODE_VENDOR)))
                .isEqualTo(Status.INVALID_FIELD);
        assertThat(refusal(() -> selfTest.start(99, DeviceSelfTestLog.CODE_SHORT)))
                .isEqualTo(Status.INVALID_FIELD);
    }

    @Test
    void securityHasTheProtocolThatListsProtocolsAndNoOther() {
        assertThat(rig.admin.securityProtocols()).containsExactly(0);
        assertThat(refusal(() -> rig.admin.securityReceive(1, 0, 0, 0, 512))).isEqualTo(Status.INVALID_FIELD);
        assertThat(refusal(() -> rig.admin.securitySend(0, 0, 0, 0, MemorySegment.ofArray(new byte[512]))))
                .isEqualTo(Status.INVALID_FIELD);
    }
}
