package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.ChangedNamespaceList;
import io.doorbell.nvme.ControllerList;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NamespaceManagementTest {
    private static final int ATTACH = 0;
    private static final int DETACH = 1;
    private static final int CREATE = 0;
    private static final int DELETE = 1;
    private static final long CAPACITY = 1 << 20;

    private final Rig rig = new Rig().memory(1, 512, 64).enabled();
    private final NvmController second = rig.controller("second", true, false, new Rig.Transport());

    @AfterEach
    void close() {
        rig.close();
    }

    private int change(int select, int nsid, int... cntlids) {
        var list = new byte[ControllerList.SIZE_BYTES];
        ControllerList.write(MemorySegment.ofArray(list), 0, cntlids);
        return change(select, nsid, list);
    }

    private int change(int select, int nsid, byte[] list) {
        return Status.code(rig.run(
                rig.controller.adminPath(), Rig.command(AdminOpcode.NAMESPACE_ATTACHMENT, nsid, select, 0), list));
    }

    private int created;

    private int create(long nsze, long ncap, int flbas) {
        var data = new byte[IdentifyNamespace.SIZE_BYTES];
        var page = MemorySegment.ofArray(data);
        IdentifyNamespace.NSZE.set(page, nsze);
        IdentifyNamespace.NCAP.set(page, ncap);
        IdentifyNamespace.FLBAS.set(page, flbas);
        var request = Rig.command(AdminOpcode.NAMESPACE_MANAGEMENT, 0, CREATE, 0);
        int status = rig.run(rig.controller.adminPath(), request, data);
        if (status == NvmRequest.PENDING) {
            status = awaitAnswer(request);
        }
        created = (int) request.result;
        return Status.code(status);
    }

    private int awaitAnswer(TestRequest request) {
        long startNanos = System.nanoTime();
        while (request.completions() == 0) {
            rig.controller.adminPath().poll(0);
            assertThat(System.nanoTime() - startNanos).isLessThan(TimeUnit.SECONDS.toNanos(60));
        }
        return request.status();
    }

    private int delete(int nsid) {
        return Status.code(rig.admin(Rig.command(AdminOpcode.NAMESPACE_MANAGEMENT, nsid, DELETE, 0)));
    }

    private int[] active(NvmController controller) {
        assertThat(rig.admin(controller, Rig.command(AdminOpcode.IDENTIFY, 0, IdentifyCns.ACTIVE_NAMESPACE_LIST, 0)))
                .isZero();
        return NamespaceList.read(rig.page(), 0);
    }

    @Test
    void attachesToAnotherControllerAndTellsIt() {
        rig.setFeature(
                second, FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION, AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES);
        rig.setFeature(FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION, AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES);
        var there = rig.eventRequest(second);
        var here = rig.eventRequest();

        assertThat(change(ATTACH, 1, 2)).isZero();

        assertThat(active(second)).containsExactly(1);
        assertThat(second.adminPath().poll(0)).isEqualTo(1);
        assertThat(there.completions()).isEqualTo(1);
        assertThat(rig.controller.adminPath().poll(0)).as("its own doing").isZero();
        assertThat(here.completions()).isZero();
        assertThat(rig.admin(second, rig.getLogPage(LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST, 4096, 0, false)))
                .isZero();
        assertThat(ChangedNamespaceList.read(rig.page(), 0)).containsExactly(1);
    }

    @Test
    void detachesFromAllOfAListOrFromNone() {
        assertThat(change(DETACH, 1, 1, 2)).isEqualTo(Status.NAMESPACE_NOT_ATTACHED);
        assertThat(active(rig.controller)).containsExactly(1);

        assertThat(change(DETACH, 1, 1)).isZero();

        assertThat(active(rig.controller)).isEmpty();
        assertThat(rig.subsystem.namespaces().getFirst().attachedControllers()).isEmpty();
    }

    @Test
    void refusesListsAndNamespacesThatCannotBe() {
        assertThat(change(ATTACH, 1, 1)).isEqualTo(Status.NAMESPACE_ALREADY_ATTACHED);
        assertThat(change(ATTACH, 1)).isEqualTo(Status.CONTROLLER_LIST_INVALID);
        assertThat(change(ATTACH, 1, 99)).isEqualTo(Status.CONTROLLER_LIST_INVALID);
        assertThat(change(ATTACH, 1, 2, 2)).isEqualTo(Status.CONTROLLER_LIST_INVALID);
        var endless = new byte[ControllerList.SIZE_BYTES];
        endless[0] = (byte) 0xFF;
        endless[1] = (byte) 0xFF;
        assertThat(change(ATTACH, 1, endless)).isEqualTo(Status.CONTROLLER_LIST_INVALID);
        assertThat(change(ATTACH, 5, 1)).isEqualTo(Status.INVALID_FIELD);
        assertThat(change(ATTACH, 0, 1)).isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
        assertThat(change(2, 1, 2)).isEqualTo(Status.INVALID_FIELD);
        assertThat(active(second)).isEmpty();
    }

    @Test
    void withoutCapacityNothingIsCreated() {
        assertThat(create(8, 8, 0)).isEqualTo(Status.NAMESPACE_INSUFFICIENT_CAPACITY);
    }

    @Test
    void createsAttachesWritesAndDeletes() {
        rig.subsystem.allowNamespaceManagement(new MemoryBackend(), CAPACITY);
        var before = rig.identify(IdentifyCns.CONTROLLER, 0);
        assertThat(IdentifyController.UNVMCAP.low(before)).isEqualTo(CAPACITY);
        assertThat(IdentifyController.TNVMCAP.low(before)).isEqualTo(64 * 512 + CAPACITY);

        assertThat(create(16, 16, 1)).isZero();

        assertThat(created).isEqualTo(2);
        assertThat(active(rig.controller)).as("attached to nobody yet").containsExactly(1);
        assertThat(IdentifyController.UNVMCAP.low(rig.identify(IdentifyCns.CONTROLLER, 0)))
                .isEqualTo(CAPACITY - 16 * 4096);
        assertThat(change(ATTACH, 2, 1)).isZero();
        var path = rig.controller.openIoPath(rig.reactor);
        var write = TestRequest.blocks(NvmOpcode.WRITE, 15, 1);
        write.nsid = 2;
        assertThat(rig.run(path, write)).isZero();
        assertThat(delete(2)).isZero();
        assertThat(active(rig.controller)).containsExactly(1);
        assertThat(path.poll(0)).isEqualTo(1);
        assertThat(Status.code(path.admit(write))).isEqualTo(Status.INVALID_FIELD);
        assertThat(rig.subsystem.unallocatedBytes()).isEqualTo(CAPACITY);
        path.close();
    }

    @Test
    void aResetForgetsACreateButNotWhatItMade() {
        var mayOpen = new CountDownLatch(1);
        rig.subsystem.allowNamespaceManagement(new SlowBackend(mayOpen), CAPACITY);
        var data = new byte[IdentifyNamespace.SIZE_BYTES];
        IdentifyNamespace.NSZE.set(MemorySegment.ofArray(data), 8);
        IdentifyNamespace.NCAP.set(MemorySegment.ofArray(data), 8);
        var request = Rig.command(AdminOpcode.NAMESPACE_MANAGEMENT, 0, CREATE, 0);
        assertThat(rig.run(rig.controller.adminPath(), request, data)).isEqualTo(NvmRequest.PENDING);
        assertThat(rig.controller.adminPath().poll(0)).isZero();

        rig.controller.configure(0);
        mayOpen.countDown();
        long startNanos = System.nanoTime();
        while (rig.subsystem.namespaces().size() < 2) {
            assertThat(System.nanoTime() - startNanos).isLessThan(TimeUnit.SECONDS.toNanos(60));
        }
        while (rig.transport.wakes() == 0) {
            assertThat(System.nanoTime() - startNanos).isLessThan(TimeUnit.SECONDS.toNanos(60));
        }
        rig.enabled();
        rig.controller.adminPath().poll(0);

        assertThat(request.completions()).isZero();
        assertThat(delete(2)).isZero();
    }

    /** Opens when it may. */
    private record SlowBackend(CountDownLatch mayOpen) implements BackendProvider {
        @Override
        public String kind() {
            return "memory";
        }

        @Override
        public Namespace open(NamespaceSpec spec) {
            try {
                assertThat(mayOpen.await(60, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return new MemoryBackend().open(spec);
        }
    }

    @Test
    void refusesWhatCannotBeCreated() {
        rig.subsystem.allowNamespaceManagement(new MemoryBackend(), CAPACITY);

        assertThat(create(0, 0, 0)).isEqualTo(Status.INVALID_FIELD);
        assertThat(create(8, 9, 0)).isEqualTo(Status.INVALID_FIELD);
        assertThat(create(8, 4, 0)).isEqualTo(Status.THIN_PROVISIONING_NOT_SUPPORTED);
        assertThat(create(8, 8, 8)).isEqualTo(Status.INVALID_FORMAT);
        assertThat(create(8, 8, 0x10)).isEqualTo(Status.INVALID_FORMAT);
        assertThat(create(CAPACITY / 512 + 1, CAPACITY / 512 + 1, 0)).isEqualTo(Status.NAMESPACE_INSUFFICIENT_CAPACITY);
        assertThat(create(Long.MAX_VALUE, Long.MAX_VALUE, 0)).isEqualTo(Status.NAMESPACE_INSUFFICIENT_CAPACITY);
        var zoned = Rig.command(AdminOpcode.NAMESPACE_MANAGEMENT, 0, CREATE, 2 << 24);
        assertThat(Status.code(rig.admin(zoned))).isEqualTo(Status.IO_COMMAND_SET_NOT_SUPPORTED);
        assertThat(Status.code(rig.admin(Rig.command(AdminOpcode.NAMESPACE_MANAGEMENT, 0, 2, 0))))
                .isEqualTo(Status.INVALID_FIELD);
    }

    @Test
    void aHostDeletesOnlyWhatAHostMade() {
        assertThat(delete(1)).isEqualTo(Status.OPERATION_DENIED);
        assertThat(delete(-1)).isEqualTo(Status.OPERATION_DENIED);
        assertThat(delete(9)).isEqualTo(Status.INVALID_FIELD);
        assertThat(delete(2000)).isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
        assertThat(active(rig.controller)).containsExactly(1);
    }

    @Test
    void identifiersAreTakenOnce() {
        assertThatThrownBy(() -> rig.memory(1, 512, 8))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("namespace id 1");
        assertThatThrownBy(() -> rig.memory(0, 512, 8)).hasMessageContaining("1 to 1024");
        assertThatThrownBy(() -> rig.memory(1025, 512, 8)).hasMessageContaining("1 to 1024");
    }
}
