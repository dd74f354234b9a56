package io.doorbell.pcie;

import static io.doorbell.pcie.AdminRig.refusal;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeController;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.admin.AdminCommands;
import io.doorbell.host.admin.LogPage;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.CommandsSupportedAndEffects;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.ErrorLogEntry;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.SmartLog;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SupportedLogPages;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The typed admin operations, over the driver, against an emulated controller. */
class AdminCommandsTest {
    private final AdminRig rig = new AdminRig();
    private final AdminCommands admin = rig.admin;

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void identifiesControllerNamespacesAndLists() {
        assertThat(IdentifyController.SN.get(admin.identifyController())).isEqualTo("SERIAL1");
        assertThat(IdentifyNamespace.NSZE.get(admin.identifyNamespace(1))).isEqualTo(32_768);
        assertThat(admin.namespaceIdentifiers(1).uuid()).isPresent();
        assertThat(admin.activeNamespaces()).containsExactly(1, 2);
        assertThat(admin.allocatedNamespaces()).containsExactly(1, 2);
        assertThat(admin.controllers(0)).containsExactly(1);
        assertThat(admin.controllers(2)).containsExactly(1);
        assertThat(refusal(() -> admin.identify(0x7F, 0))).isEqualTo(Status.INVALID_FIELD);
        assertThat(refusal(() -> admin.identifyNamespace(5000))).isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
    }

    @Test
    void readsLogPagesWholeInPiecesAndFromAnOffset() {
        var effects = admin.commandEffects(IdentifyCns.CSI_NVM);
        assertThat(CommandsSupportedAndEffects.admin(effects, 0, AdminOpcode.IDENTIFY)
                        & CommandsSupportedAndEffects.CSUPP)
                .isNotZero();
        int from = 4 * AdminOpcode.IDENTIFY;

        var one = admin.log(
                LogPage.of(LogPageId.COMMANDS_SUPPORTED_AND_EFFECTS, 4).from(from));

        assertThat(one.mismatch(effects.asSlice(from, 4))).isEqualTo(-1);
        // Longer than one command moves, and than the page: what is behind it reads zero, up to where offsets end.
        assertThat(refusal(() -> admin.log(LogPage.of(
                        LogPageId.COMMANDS_SUPPORTED_AND_EFFECTS, rig.controller.maxAdminDataBytes() + 4096))))
                .as("an offset beyond the page")
                .isEqualTo(Status.INVALID_FIELD);
        assertThat(SupportedLogPages.entry(admin.supportedLogPages(), 0, LogPageId.ERROR_INFORMATION))
                .isEqualTo(SupportedLogPages.LSUPP);
        assertThat(SmartLog.AVAILABLE_SPARE.get(admin.smart())).isEqualTo(100);
        assertThat(refusal(() -> admin.log(LogPage.of(0xC5, 512)))).isEqualTo(Status.INVALID_LOG_PAGE);
        assertThatIllegalArgumentException().isThrownBy(() -> LogPage.of(1, 6));
        assertThatIllegalArgumentException().isThrownBy(() -> LogPage.of(1, 8).from(2));
    }

    @Test
    void errorsComeWithTheirStatus() {
        rig.tryTransfer(1, 1 << 30, new byte[512], false);

        var errors = admin.errorLog();

        assertThat(errors.byteSize()).isEqualTo(64L * ErrorLogEntry.SIZE_BYTES);
        assertThat(ErrorLogEntry.ERROR_COUNT.get(errors)).isPositive();
        assertThat(Status.code(ErrorLogEntry.status(errors, 0))).isEqualTo(Status.LBA_OUT_OF_RANGE);
    }

    @Test
    void getsAndSetsFeatures() {
        admin.setFeature(FeatureId.TEMPERATURE_THRESHOLD, 350);

        assertThat(admin.feature(FeatureId.TEMPERATURE_THRESHOLD)).isEqualTo(350);
        assertThat(admin.feature(FeatureId.TEMPERATURE_THRESHOLD, FeatureId.Select.DEFAULT, 0, 0, null)
                        .dw0())
                .isEqualTo(343);
        assertThat(admin.feature(FeatureId.TEMPERATURE_THRESHOLD, FeatureId.Select.SUPPORTED_CAPABILITIES, 0, 0, null)
                        .dw0())
                .as("changeable, neither saveable nor of a namespace")
                .isEqualTo(4);
        var timestamp = MemorySegment.ofArray(new byte[8]);
        timestamp.set(JAVA_BYTE, 5, (byte) 1);
        admin.setFeature(FeatureId.TIMESTAMP, 0, 0, false, timestamp);
        var back = MemorySegment.ofArray(new byte[8]);
        admin.feature(FeatureId.TIMESTAMP, FeatureId.Select.CURRENT, 0, 0, back);
        assertThat(back.get(JAVA_BYTE, 5)).isEqualTo((byte) 1);
        assertThat(refusal(() -> admin.setFeature(FeatureId.TEMPERATURE_THRESHOLD, 0, 350, true, null)))
                .isEqualTo(Status.FEATURE_NOT_SAVEABLE);
        assertThat(refusal(() -> admin.setFeature(FeatureId.TEMPERATURE_THRESHOLD, 1, 350, false, null)))
                .isEqualTo(Status.FEATURE_NOT_NAMESPACE_SPECIFIC);
        assertThat(refusal(() -> admin.feature(0x7E))).isEqualTo(Status.INVALID_FIELD);
    }

    @Test
    void createsAttachesUsesDetachesAndDeletesANamespace() {
        int nsid = rig.namespaces.create(256, 1);
        assertThat(nsid).isEqualTo(3);
        assertThat(admin.activeNamespaces()).doesNotContain(nsid);
        assertThat(admin.allocatedNamespaces()).contains(nsid);

        rig.namespaces.attach(nsid);

        assertThat(rig.controller.namespaces()).extracting(NvmeNamespace::nsid).contains(nsid);
        var block = new byte[4096];
        block[4095] = 7;
        rig.write(nsid, 255, block);
        assertThat(rig.read(nsid, 255, 4096)).isEqualTo(block);
        assertThat(refusal(() -> rig.namespaces.attach(nsid))).isEqualTo(Status.NAMESPACE_ALREADY_ATTACHED);

        rig.namespaces.detach(nsid);

        assertThat(rig.controller.namespaces()).extracting(NvmeNamespace::nsid).doesNotContain(nsid);
        assertThat(refusal(() -> rig.namespaces.detach(nsid))).isEqualTo(Status.NAMESPACE_NOT_ATTACHED);
        rig.namespaces.delete(nsid);
        assertThat(admin.allocatedNamespaces()).doesNotContain(nsid);
        assertThat(refusal(() -> rig.namespaces.delete(1))).isEqualTo(Status.OPERATION_DENIED);
        assertThat(refusal(() -> rig.namespaces.create(AdminRig.CREATABLE_BYTES, 1)))
                .isEqualTo(Status.NAMESPACE_INSUFFICIENT_CAPACITY);
    }

    @Test
    void sendsAnyOtherCommandAsItIsButNotTheDriversOwn() {
        var command = new NvmCommand().reset(AdminOpcode.IDENTIFY, 0);
        command.cdw10 = IdentifyCns.CONTROLLER;
        var data = MemorySegment.ofArray(new byte[4096]);

        admin.raw(command, data);

        assertThat(IdentifyController.MN.get(data)).isEqualTo("Doorbell test");
        assertThat(refusal(() -> admin.raw(new NvmCommand().reset(0xC0, 0), null)))
                .isEqualTo(Status.INVALID_OPCODE);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> admin.raw(new NvmCommand().reset(AdminOpcode.DELETE_IO_SUBMISSION_QUEUE, 0), null));
    }

    @Test
    void anAbortSaysWhetherThereWasSomethingToAbort() {
        assertThat(admin.abort(0, 0x7FFF)).isFalse();
        assertThat(refusal(() -> admin.abort(77, 1))).isEqualTo(Status.INVALID_FIELD);
    }

    @Test
    void directivesAreRefusedByADeviceWithoutThem() {
        assertThat(refusal(() -> admin.directiveReceive(1, 0, 1, 0, 0, MemorySegment.ofArray(new byte[4096]))))
                .isEqualTo(Status.INVALID_OPCODE);
        assertThat(refusal(() -> admin.directiveSend(1, 0, 1, 0, 0x101, null))).isEqualTo(Status.INVALID_OPCODE);
    }

    @Test
    void readsProperties() {
        assertThat(rig.controller.property(Registers.VS, 4)).isEqualTo(0x0002_0000);
        assertThat(new ControllerStatus((int) rig.controller.property(Registers.CSTS, 4)).rdy())
                .isTrue();
        assertThat(rig.controller.property(Registers.CAP, 8) & 0xFFFF).isEqualTo(1023);
        assertThatIllegalArgumentException().isThrownBy(() -> rig.controller.property(Registers.CC, 2));
    }

    @Test
    void namespacesThatOthersChangeAreReadAnewAndTold() {
        rig.device.addNamespace(7, "memory:1MiB:512");

        await().atMost(AdminRig.BOUND)
                .untilAsserted(() -> assertThat(rig.controller.namespaces())
                        .extracting(NvmeNamespace::nsid)
                        .contains(7));
        await().atMost(AdminRig.BOUND).until(() -> rig.events.size() == 1);
        assertThat(rig.events.getFirst().info()).isEqualTo(AsyncEvent.NOTICE_ATTACHED_NAMESPACE_ATTRIBUTE_CHANGED);
        assertThat(admin.changedNamespaces()).as("read by the driver").isEmpty();

        // The page was read, so the next one is told too.
        rig.device.subsystem.removeNamespace(7);

        await().atMost(AdminRig.BOUND).until(() -> rig.events.size() == 2);
        assertThat(rig.controller.namespaces()).extracting(NvmeNamespace::nsid).doesNotContain(7);
    }

    @Test
    void warningsOfHealthAreToldOnceForEachReading() {
        for (int i = 1; i <= 2; i++) {
            int told = i;
            admin.setFeature(FeatureId.TEMPERATURE_THRESHOLD, 300);

            await().atMost(AdminRig.BOUND).until(() -> rig.events.size() == told);
            assertThat(rig.events.getLast().type()).isEqualTo(AsyncEvent.TYPE_SMART);
        }
        assertThat(SmartLog.CRITICAL_WARNING.get(admin.smart())).isEqualTo(SmartLog.WARNING_TEMPERATURE);
    }

    @Test
    void aResetOfTheSubsystemIsOneOfEveryControllerOfIt() {
        var second = EmulatedFunction.create(EmulatorSettings.of("nvme1"), rig.device.subsystem, rig.device.reactors);
        var states = new CopyOnWriteArrayList<ControllerState>();
        try (var other = PcieController.open(second, PcieOptions.DEFAULTS)) {
            other.addListener(new ControllerListener() {
                @Override
                public void stateChanged(NvmeController ignored, ControllerState state, String reason) {
                    states.add(state);
                }
            });

            rig.controller.resetSubsystem("a test wants it");

            assertThat(rig.controller.state()).isEqualTo(ControllerState.READY);
            assertThat(admin.activeNamespaces()).containsExactly(1, 2);
            await().atMost(AdminRig.BOUND).until(() -> states.contains(ControllerState.READY));
            assertThat(states).containsExactly(ControllerState.RESETTING, ControllerState.READY);
            assertThat(new AdminCommands(other, AdminRig.BOUND).activeNamespaces())
                    .containsExactly(1, 2);
        } finally {
            second.close();
        }
    }

    @Test
    void aControllerThatIsGoneRefusesWithoutAStatus() {
        rig.controller.close();

        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(admin::identifyController)
                .satisfies(gone -> assertThat(gone.status()).isEmpty());
    }
}
