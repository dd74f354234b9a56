package io.doorbell.subsystem;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ControllerList;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyIndependentNamespace;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.NamespaceIdentifiers;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.Version;
import io.doorbell.storage.TestRequest;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class IdentifyTest {
    private final Rig rig =
            new Rig().memory(1, 512, 1000).nothing(3, 4096, 1 << 20).sparse(5, 512, 1000);

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void tellsWhatTheControllerIs() {
        var page = rig.identify(IdentifyCns.CONTROLLER, 0);

        assertThat(IdentifyController.VID.get(page)).isEqualTo(0x1234);
        assertThat(IdentifyController.SN.get(page)).isEqualTo("SN42");
        assertThat(IdentifyController.MN.get(page)).isEqualTo("Test Model");
        assertThat(IdentifyController.CNTLID.get(page)).isEqualTo(1);
        assertThat(IdentifyController.VER.get(page)).isEqualTo(Version.NVME_2_0.raw());
        assertThat(IdentifyController.SUBNQN.get(page)).isEqualTo(Rig.NQN);
        assertThat(IdentifyController.CNTRLTYPE.get(page)).isEqualTo(IdentifyController.CNTRLTYPE_IO);
        assertThat(1 << IdentifyController.MDTS.get(page)).isEqualTo(Rig.MAX_TRANSFER_PAGES);
        assertThat(IdentifyController.SQES.get(page)).isEqualTo(0x66);
        assertThat(IdentifyController.CQES.get(page)).isEqualTo(0x44);
        assertThat(IdentifyController.NN.get(page)).isEqualTo(1024);
        assertThat(IdentifyController.AERL.get(page) + 1).isEqualTo(AsyncEvents.MAX_REQUESTS);
        assertThat(IdentifyController.ELPE.get(page) + 1).isEqualTo(ErrorLog.ENTRIES);
        assertThat(IdentifyController.FUSES.get(page)).isEqualTo(IdentifyController.FUSES_COMPARE_AND_WRITE);
        assertThat(IdentifyController.VWC.get(page))
                .as("no cache")
                .isEqualTo(IdentifyController.VWC_FLUSH_ALL_NOT_SUPPORTED);
        assertThat(IdentifyController.ACWU.get(page) + 1).isEqualTo(Rig.MAX_TRANSFER_PAGES);
        assertThat(IdentifyController.OACS.get(page) & IdentifyController.OACS_DOORBELL_BUFFER_CONFIG)
                .isNotZero();
        assertThat(IdentifyController.SGLS.get(page)).isEqualTo(1);
    }

    @Test
    void tellsTheShapeOfANamespace() {
        var page = rig.identify(IdentifyCns.NAMESPACE, 1);

        assertThat(IdentifyNamespace.NSZE.get(page)).isEqualTo(1000);
        assertThat(IdentifyNamespace.NCAP.get(page)).isEqualTo(1000);
        assertThat(IdentifyNamespace.currentFormat(page).blockBytes()).isEqualTo(512);
        assertThat(IdentifyNamespace.DLFEAT.get(page) & 7).isEqualTo(IdentifyNamespace.DLFEAT_READS_ZEROES);
        assertThat(IdentifyNamespace.NSFEAT.get(page)).as("gives nothing back").isZero();
        assertThat(IdentifyNamespace.NMIC.get(page)).isEqualTo(IdentifyNamespace.NMIC_SHARED);

        var other = rig.identify(IdentifyCns.NAMESPACE, 3);
        assertThat(IdentifyNamespace.NSZE.get(other)).isEqualTo(1 << 20);
        assertThat(IdentifyNamespace.currentFormat(other).blockBytes()).isEqualTo(4096);
        assertThat(IdentifyNamespace.DLFEAT.get(other))
                .as("null reads anything")
                .isZero();
    }

    @Test
    void tellsHowMuchHasToBeDeallocatedToGiveSpaceBack() {
        var page = rig.identify(IdentifyCns.NAMESPACE, 5);

        assertThat(IdentifyNamespace.NSFEAT.get(page)).isEqualTo(IdentifyNamespace.NSFEAT_OPTIMAL_PERFORMANCE);
        assertThat(IdentifyNamespace.NPDG.get(page) + 1).as("blocks of a page").isEqualTo(8);
    }

    @Test
    void answersForNamespacesThatAreNotThere() {
        assertThat(rig.identify(IdentifyCns.NAMESPACE, 2).toArray(JAVA_BYTE)).containsOnly(0);
        assertThat(rig.identifyStatus(IdentifyCns.NAMESPACE, 0)).isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
        assertThat(rig.identifyStatus(IdentifyCns.NAMESPACE, 1025)).isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
        assertThat(IdentifyNamespace.NLBAF.get(rig.identify(IdentifyCns.NAMESPACE, -1)))
                .as("all: what they have in common")
                .isEqualTo(7);
        assertThat(rig.identifyStatus(IdentifyCns.NAMESPACE_IDENTIFICATION_DESCRIPTORS, 2))
                .isEqualTo(Status.INVALID_FIELD);
        assertThat(rig.identifyStatus(IdentifyCns.NAMESPACE_IDENTIFICATION_DESCRIPTORS, -1))
                .isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
    }

    @Test
    void listsActiveNamespacesFromAnIdentifierOn() {
        assertThat(NamespaceList.read(rig.identify(IdentifyCns.ACTIVE_NAMESPACE_LIST, 0), 0))
                .containsExactly(1, 3, 5);
        assertThat(NamespaceList.read(rig.identify(IdentifyCns.ACTIVE_NAMESPACE_LIST, 1), 0))
                .containsExactly(3, 5);
        assertThat(NamespaceList.read(rig.identify(IdentifyCns.ACTIVE_NAMESPACE_LIST, 5), 0))
                .isEmpty();
        assertThat(NamespaceList.read(rig.identify(IdentifyCns.COMMAND_SET_ACTIVE_NAMESPACE_LIST, 0), 0))
                .containsExactly(1, 3, 5);
        assertThat(rig.identifyStatus(IdentifyCns.ACTIVE_NAMESPACE_LIST, 0xFFFF_FFFE))
                .isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
    }

    @Test
    void namesANamespaceByItsUuid() {
        var identifiers =
                NamespaceIdentifiers.readFrom(rig.identify(IdentifyCns.NAMESPACE_IDENTIFICATION_DESCRIPTORS, 1), 0);

        assertThat(identifiers.uuid())
                .contains(rig.subsystem.namespaces().getFirst().shape().uuid());
    }

    @Test
    void listsAllocatedNamespacesAndControllers() {
        var second = rig.controller("second", true, false, new Rig.Transport());

        assertThat(NamespaceList.read(rig.identify(IdentifyCns.ALLOCATED_NAMESPACE_LIST, 0), 0))
                .containsExactly(1, 3, 5);
        assertThat(rig.admin(second, Rig.command(AdminOpcode.IDENTIFY, 0, IdentifyCns.ACTIVE_NAMESPACE_LIST, 0)))
                .isZero();
        assertThat(NamespaceList.read(rig.page(), 0)).as("attached to nothing").isEmpty();
        assertThat(rig.admin(second, Rig.command(AdminOpcode.IDENTIFY, 1, IdentifyCns.ALLOCATED_NAMESPACE, 0)))
                .isZero();
        assertThat(IdentifyNamespace.NSZE.get(rig.page())).isEqualTo(1000);
        assertThat(ControllerList.read(rig.identify(IdentifyCns.CONTROLLER_LIST, 0), 0))
                .containsExactly(1, 2);
        assertThat(ControllerList.read(rig.identify(IdentifyCns.NAMESPACE_ATTACHED_CONTROLLER_LIST, 1), 0))
                .containsExactly(1);
        assertThat(rig.admin(Rig.command(AdminOpcode.IDENTIFY, 0, IdentifyCns.CONTROLLER_LIST | 2 << 16, 0)))
                .isZero();
        assertThat(ControllerList.read(rig.page(), 0)).containsExactly(2);
    }

    @Test
    void answersForTheCommandSetsThereAre() {
        assertThat(rig.identifyStatus(IdentifyCns.COMMAND_SET_CONTROLLER, 0)).isZero();
        assertThat(rig.identifyStatus(IdentifyCns.COMMAND_SET_NAMESPACE, 1)).isZero();
        for (int cns : new int[] {
            IdentifyCns.COMMAND_SET_CONTROLLER,
            IdentifyCns.COMMAND_SET_NAMESPACE,
            IdentifyCns.COMMAND_SET_ACTIVE_NAMESPACE_LIST
        }) {
            TestRequest keyValue = Rig.command(AdminOpcode.IDENTIFY, 1, cns, 1 << 24);
            assertThat(rig.admin(keyValue)).isEqualTo(Status.INVALID_FIELD | Status.DNR);
        }
        TestRequest zoned = Rig.command(AdminOpcode.IDENTIFY, 1, IdentifyCns.COMMAND_SET_NAMESPACE, 2 << 24);
        assertThat(rig.admin(zoned)).as("it has no zones").isEqualTo(Status.INVALID_FIELD | Status.DNR);
        assertThat(IdentifyIndependentNamespace.NSTAT.get(rig.identify(IdentifyCns.INDEPENDENT_NAMESPACE, 1)))
                .isEqualTo(IdentifyIndependentNamespace.NSTAT_READY);
    }

    @Test
    void refusesStructuresItDoesNotHave() {
        var has = IntStream.of(0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x07, 0x08, 0x10, 0x11, 0x12, 0x13, 0x1A, 0x1B, 0x1C)
                .boxed()
                .toList();
        for (int cns = 0; cns <= 0xFF; cns++) {
            if (!has.contains(cns)) {
                assertThat(rig.admin(Rig.command(AdminOpcode.IDENTIFY, 1, cns, 0)))
                        .as("CNS " + cns)
                        .isEqualTo(Status.INVALID_FIELD | Status.DNR);
            }
        }
    }
}
