package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AnaLog;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SupportedLogPages;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.AccessState;
import io.doorbell.target.AccessStates;
import io.doorbell.target.CommandPath;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AccessStatesTest {
    private static final int ANA_LOG = LogPageId.ASYMMETRIC_NAMESPACE_ACCESS;

    private final Rig rig = new Rig().memory(1, 512, 64).memory(2, 512, 64).memory(3, 512, 64);
    private final Rig.Transport transport = new Rig.Transport();
    private NvmController controller;
    private CommandPath path;

    @BeforeEach
    void connect() {
        rig.subsystem.groupNamespace(2, 7);
        controller = rig.controllerOf("nqn.2026-11.io.doorbell:host", transport);
        controller.configure(Rig.ENABLE);
        path = controller.openIoPath(rig.reactor);
    }

    @AfterEach
    void close() {
        path.close();
        controller.close();
        rig.close();
    }

    private AnaLog log(boolean groupsOnly) {
        var request = rig.getLogPage(ANA_LOG, 4096, 0, false);
        request.cdw10 |= groupsOnly ? AnaLog.RETURN_GROUPS_ONLY << 8 : 0;
        assertThat(rig.admin(controller, request)).isZero();
        return AnaLog.read(rig.page());
    }

    private MemorySegment identify(int cns, int nsid) {
        assertThat(rig.admin(controller, Rig.command(AdminOpcode.IDENTIFY, nsid, cns, 0)))
                .isZero();
        return rig.page();
    }

    private int io(int opc, int nsid) {
        var request = TestRequest.blocks(opc, 0, 1);
        request.nsid = nsid;
        return rig.run(path, request);
    }

    private void set(int group, AccessState state) {
        controller.accessStates(AccessStates.ALL_OPTIMIZED.with(group, state));
        path.poll(0);
    }

    @Test
    void aHostOnANetworkIsToldOfGroups() {
        var page = identify(IdentifyCns.CONTROLLER, 0);
        assertThat(IdentifyController.CMIC.get(page) & IdentifyController.CMIC_ANA_REPORTING)
                .isNotZero();
        assertThat(IdentifyController.OAES.get(page) & AsyncEvent.CONFIG_ANA_CHANGE_NOTICES)
                .isNotZero();
        assertThat(IdentifyController.ANACAP.get(page)).isEqualTo(0x1F);
        assertThat(IdentifyController.ANATT.get(page)).isEqualTo(10);
        assertThat(IdentifyController.ANAGRPMAX.get(page)).isEqualTo(32);
        assertThat(IdentifyController.NANAGRPID.get(page)).isEqualTo(32);
        assertThat(IdentifyNamespace.ANAGRPID.get(identify(IdentifyCns.NAMESPACE, 1)))
                .isEqualTo(1);
        assertThat(IdentifyNamespace.ANAGRPID.get(identify(IdentifyCns.NAMESPACE, 2)))
                .isEqualTo(7);

        assertThat(log(false))
                .isEqualTo(new AnaLog(
                        0, List.of(new AnaLog.Group(1, 0, 1, List.of(1, 3)), new AnaLog.Group(7, 0, 1, List.of(2)))));
        assertThat(log(true).groups())
                .containsExactly(new AnaLog.Group(1, 0, 1, List.of()), new AnaLog.Group(7, 0, 1, List.of()));
    }

    @Test
    void everyPageThatIsListedCanBeReadAndNoOther() {
        assertThat(rig.admin(controller, rig.getLogPage(0, SupportedLogPages.SIZE_BYTES, 0, true)))
                .isZero();
        var supported = rig.page();

        for (int lid = 0; lid <= 0xFF; lid++) {
            int status = rig.admin(controller, rig.getLogPage(lid, 512, 0, true));
            boolean listed = SupportedLogPages.entry(supported, 0, lid) != 0;
            assertThat(status)
                    .as(LogPageId.name(lid))
                    .isEqualTo(listed ? Status.SUCCESS : Status.INVALID_LOG_PAGE | Status.DNR);
        }
    }

    @Test
    void aHostOnPciHasOneWayAndIsToldNothing() {
        rig.enabled();
        var own = rig.controller.openIoPath(rig.reactor);

        rig.controller.accessStates(AccessStates.ALL_OPTIMIZED);

        assertThat(IdentifyController.CMIC.get(rig.identify(IdentifyCns.CONTROLLER, 0))
                        & IdentifyController.CMIC_ANA_REPORTING)
                .isZero();
        assertThat(IdentifyNamespace.ANAGRPID.get(rig.identify(IdentifyCns.NAMESPACE, 2)))
                .isZero();
        assertThat(rig.admin(rig.getLogPage(ANA_LOG, 64, 0, true))).isEqualTo(Status.INVALID_LOG_PAGE | Status.DNR);
        assertThat(rig.run(own, TestRequest.blocks(NvmOpcode.READ, 0, 1))).isZero();
        own.close();
    }

    @ParameterizedTest
    @CsvSource({
        "OPTIMIZED, 0, 64",
        "NON_OPTIMIZED, 0, 64",
        "INACCESSIBLE, 0x302, 0",
        "PERSISTENT_LOSS, 0x301, 0",
        "CHANGE, 0x303, 64"
    })
    void commandsEndAsTheStateSays(AccessState state, String spelled, long use) {
        int expected = Integer.decode(spelled);

        set(7, state);

        assertThat(io(NvmOpcode.READ, 1)).as("another group").isZero();
        for (int opc :
                new int[] {NvmOpcode.READ, NvmOpcode.WRITE, NvmOpcode.FLUSH, NvmOpcode.COMPARE, NvmOpcode.WRITE_ZEROES
                }) {
            assertThat(io(opc, 2)).as(NvmOpcode.name(opc)).isEqualTo(expected);
        }
        for (int fid : new int[] {FeatureId.ERROR_RECOVERY, FeatureId.RESERVATION_NOTIFICATION_MASK}) {
            assertThat(rig.admin(controller, Rig.command(AdminOpcode.GET_FEATURES, 2, fid, 0)))
                    .isEqualTo(expected);
            assertThat(rig.admin(controller, Rig.command(AdminOpcode.SET_FEATURES, 2, fid, 0)))
                    .isEqualTo(expected);
        }
        if (expected != 0) {
            assertThat(rig.admin(controller, Rig.command(AdminOpcode.FORMAT_NVM, 2, 0, 0)))
                    .isEqualTo(expected);
        }
        var page = identify(IdentifyCns.NAMESPACE, 2);
        assertThat(IdentifyNamespace.NSZE.get(page)).isEqualTo(64);
        assertThat(IdentifyNamespace.NUSE.get(page)).isEqualTo(use);
        assertThat(log(false).groups())
                .contains(new AnaLog.Group(
                        7,
                        expected == 0 && use == 64 && state == AccessState.OPTIMIZED ? 0 : 1,
                        state.code(),
                        List.of(2)));
        assertThat(rig.admin(controller, Rig.command(AdminOpcode.KEEP_ALIVE, 0, 0, 0)))
                .isZero();
    }

    @Test
    void whatIsExecutedAfterAChangeGoesByTheNewStateAndByTheOldWhenThatComesBack() {
        var write = TestRequest.blocks(NvmOpcode.WRITE, 0, 1);
        assertThat(path.admit(write)).isZero();

        controller.accessStates(AccessStates.ALL_OPTIMIZED.with(1, AccessState.INACCESSIBLE));
        path.poll(0);
        assertThat(path.execute(write.with(new byte[512]))).isEqualTo(Status.ASYMMETRIC_ACCESS_INACCESSIBLE);
        controller.accessStates(AccessStates.ALL_OPTIMIZED);
        path.poll(0);

        assertThat(io(NvmOpcode.WRITE, 1)).isZero();
        assertThat(transport.calls).as("no reset, no end").containsExactly("enabled");
    }

    @Test
    void aHostThatAskedIsToldOnceOfAChangeThatConcernsIt() {
        rig.setFeature(controller, FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION, AsyncEvent.CONFIG_ANA_CHANGE_NOTICES);
        var event = rig.eventRequest(controller);

        set(9, AccessState.INACCESSIBLE); // Nobody is in that group.
        controller.adminPath().poll(0);
        assertThat(event.completions()).isZero();
        set(7, AccessState.NON_OPTIMIZED);
        controller.adminPath().poll(0);

        assertThat(event.status()).isZero();
        assertThat(event.result).isEqualTo(0x0C_0302);
        var second = rig.eventRequest(controller);
        set(7, AccessState.INACCESSIBLE);
        controller.adminPath().poll(0);
        assertThat(second.completions()).as("until the page is read").isZero();
        var log = log(false);
        assertThat(log.groups()).contains(new AnaLog.Group(7, 2, 3, List.of(2)));
        set(7, AccessState.OPTIMIZED);
        controller.adminPath().poll(0);
        assertThat(second.status()).isZero();
        assertThat(log(false).changeCount()).isGreaterThan(log.changeCount());
    }

    @Test
    void aNamespaceThatIsPutIntoAnotherGroupIsReachedAsThat() {
        set(7, AccessState.INACCESSIBLE);
        rig.setFeature(
                controller,
                FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION,
                AsyncEvent.CONFIG_ANA_CHANGE_NOTICES | AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES);
        var first = rig.eventRequest(controller);
        var second = rig.eventRequest(controller);

        rig.subsystem.groupNamespace(3, 7);
        rig.subsystem.groupNamespace(2, 1);
        path.poll(0);
        controller.adminPath().poll(0);

        assertThat(io(NvmOpcode.READ, 3)).isEqualTo(Status.ASYMMETRIC_ACCESS_INACCESSIBLE);
        assertThat(io(NvmOpcode.READ, 2)).isZero();
        assertThat(List.of(first.result, second.result)).containsExactly(0x04_0002L, 0x0C_0302L);
        assertThat(log(false).groups().stream().map(AnaLog.Group::nsids)).containsExactly(List.of(1, 2), List.of(3));
        assertThatThrownBy(() -> rig.subsystem.groupNamespace(3, 33)).hasMessageContaining("1 to 32");
        assertThatThrownBy(() -> rig.subsystem.groupNamespace(9, 1)).hasMessageContaining("no namespace 9");
    }

    @Test
    void theLongestPageFitsTheShortestTransfer() {
        assertThat(ControllerAccess.LOG_BYTES).isLessThanOrEqualTo(8192);
    }

    @Test
    void readsWhatConfigurationSays() {
        var states = AccessStates.parse(new String[] {"2=non-optimized", " 3 = persistent-loss ", ""});

        assertThat(states.states()).isEqualTo(Map.of(2, AccessState.NON_OPTIMIZED, 3, AccessState.PERSISTENT_LOSS));
        assertThat(states.of(1)).isEqualTo(AccessState.OPTIMIZED);
        assertThat(AccessStates.parse(states.spelled())).isEqualTo(states);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "0=optimized", "33=optimized", "x=optimized", "1=fast", "=optimized"})
    void saysWhichEntryIsWrong(String entry) {
        assertThatThrownBy(() -> AccessStates.parse(new String[] {"2=optimized", entry}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("ana = " + entry + ": ");
    }
}
