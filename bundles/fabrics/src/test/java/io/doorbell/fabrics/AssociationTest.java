package io.doorbell.fabrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The life of a controller and its queues. */
class AssociationTest {
    private static final int INVALID_FIELD = Status.INVALID_FIELD | Status.DNR;
    private static final int INVALID_OPCODE = Status.INVALID_OPCODE | Status.DNR;
    private static final int SEQUENCE_ERROR = Status.COMMAND_SEQUENCE_ERROR | Status.DNR;

    private final Wireless wireless = new Wireless();

    @AfterEach
    void close() {
        wireless.close();
    }

    private Wireless.Capsules io(int qid) {
        int cntlid =
                wireless.subsystem.namespaces().getFirst().attachedControllers().getFirst();
        var io = wireless.host();
        assertThat(io.connect(qid, 31, cntlid, 0).status).isZero();
        return io;
    }

    private static ControllerStatus status(Wireless.Capsules admin) {
        return new ControllerStatus((int) admin.property(Registers.CSTS, 4).result);
    }

    @Test
    void tellsItsProperties() {
        var host = wireless.host();
        host.connect(0, 31, 0xFFFF, 0);

        var cap = host.property(Registers.CAP, 8);
        assertThat(cap.status).isZero();
        var capabilities = new ControllerCapabilities(cap.result);
        assertThat(capabilities.maxQueueEntries()).isEqualTo(Wireless.MAX_ENTRIES);
        assertThat(capabilities.cqr()).isTrue();
        assertThat(host.property(Registers.CSTS, 4).result).isZero();
        assertThat(host.setProperty(Registers.CC, 0x0046_0000).status).isZero();
        assertThat(host.property(Registers.CC, 4).result).isEqualTo(0x0046_0000);
        assertThat(host.enable().status).isZero();
        assertThat(status(host).rdy()).isTrue();
    }

    @Test
    void refusesPropertiesThatThereAreNot() {
        var host = wireless.connected();

        for (int offset : new int[] {Registers.AQA, Registers.INTMS, Registers.NSSR, 0x1000, -4, 2}) {
            assertThat(host.property(offset, 4).status).isEqualTo(INVALID_FIELD);
            assertThat(host.setProperty(offset, 1).status).isEqualTo(INVALID_FIELD);
        }
        assertThat(host.property(Registers.CAP, 4).status).isEqualTo(INVALID_FIELD);
        assertThat(host.property(Registers.VS, 8).status).isEqualTo(INVALID_FIELD);
        assertThat(host.setProperty(Registers.CSTS, 0).status).isEqualTo(INVALID_FIELD);
        var wide = host.fabrics(FabricsCommand.PROPERTY_SET);
        wide.cdw10 = 1;
        wide.cdw11 = Registers.CC;
        assertThat(host.send(wide, null).status).isEqualTo(INVALID_FIELD);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x0045_0001, 0x0036_0001, 0x0046_0081, 0x0046_0011})
    void aConfigurationThatCannotBeIsToldInTheStatusAndResetMendsIt(int cc) {
        var host = wireless.host();
        host.connect(0, 31, 0xFFFF, 0);

        assertThat(host.setProperty(Registers.CC, cc).status).isZero();

        assertThat(status(host).cfs()).isTrue();
        assertThat(status(host).rdy()).isFalse();
        assertThat(host.send(host.command(AdminOpcode.IDENTIFY), null).status).isEqualTo(SEQUENCE_ERROR);
        assertThat(host.setProperty(Registers.CC, cc & ~1).status).isZero();
        assertThat(status(host).cfs()).isFalse();
        assertThat(host.enable().status).isZero();
        assertThat(status(host).rdy()).isTrue();
        assertThat(host.disconnected).isNull();
    }

    @Test
    void aConfigurationThatCannotBeIsNotKeptForLong() {
        var host = wireless.host();
        host.connect(0, 31, 0xFFFF, 0);
        host.setProperty(Registers.CC, 0x0045_0001);
        long bound = System.nanoTime() + FabricQueue.REFUSED_BOUND_NANOS;
        host.queue.poll(bound - 1_000_000_000);
        assertThat(host.disconnected).isNull();
        // Trying again in vain gives no more time.
        host.setProperty(Registers.CC, 0x0045_0000);
        host.setProperty(Registers.CC, 0x0045_0001);

        host.queue.poll(bound + 2_000_000_000L);

        assertThat(host.disconnected).contains("configuration");
        wireless.until(() -> host.closed && wireless.target.associations() == 0);
    }

    @Test
    void takesNoAdminCommandUntilItIsEnabled() {
        var host = wireless.host();
        host.connect(0, 31, 0xFFFF, 0);

        assertThat(host.send(host.command(AdminOpcode.IDENTIFY), null).status).isEqualTo(SEQUENCE_ERROR);
        assertThat(host.send(host.command(AdminOpcode.KEEP_ALIVE), null).status).isEqualTo(SEQUENCE_ERROR);
    }

    @Test
    void tellsWhatAFabricControllerHasToTell() {
        var host = wireless.connected();
        var identify = host.command(AdminOpcode.IDENTIFY);
        identify.cdw10 = 1;
        assertThat(host.await(host.send(identify, null)).status).isZero();

        var page = MemorySegment.ofArray(identify.data);
        assertThat(IdentifyController.IOCCSZ.get(page)).isEqualTo((64 + 8192) / 16);
        assertThat(IdentifyController.IORCSZ.get(page)).isEqualTo(1);
        assertThat(IdentifyController.ICDOFF.get(page)).isZero();
        assertThat(IdentifyController.MAXCMD.get(page)).isEqualTo(Wireless.MAX_ENTRIES);
        assertThat(IdentifyController.KAS.get(page)).isPositive();
        assertThat(IdentifyController.SUBNQN.get(page)).isEqualTo(Wireless.NQN);
        assertThat(IdentifyController.SGLS.get(page) & IdentifyController.SGLS_OFFSET)
                .isNotZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {AdminOpcode.CREATE_IO_SUBMISSION_QUEUE, AdminOpcode.DELETE_IO_COMPLETION_QUEUE, 0x7C, 0xFF})
    void hasNoCommandsOfPci(int opc) {
        var host = wireless.connected();

        assertThat(host.send(host.command(opc), null).status).isEqualTo(INVALID_OPCODE);
    }

    @Test
    void anIoQueueHasNoProperties() {
        wireless.connected();
        var io = io(1);

        assertThat(io.property(Registers.CSTS, 4).status).isEqualTo(INVALID_OPCODE);
        assertThat(io.enable().status).isEqualTo(INVALID_OPCODE);
        assertThat(io.send(io.fabrics(0x44), null).status).isEqualTo(INVALID_OPCODE);
    }

    @Test
    void aResetEndsTheIoQueuesAndTheAdminQueueGoesOn() {
        var admin = wireless.connected();
        var first = io(1);
        var second = io(2);
        var event = admin.send(admin.command(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST), null);
        assertThat(event.done()).isFalse();

        assertThat(admin.setProperty(Registers.CC, 0x0046_0000).status).isZero();
        wireless.until(() -> first.closed && second.closed && !status(admin).rdy());

        assertThat(event.code()).isEqualTo(Status.ABORTED_SQ_DELETION);
        assertThat(admin.closed).isFalse();
        assertThat(admin.enable().status).isZero();
        assertThat(status(admin).rdy()).isTrue();
        var again = io(1);
        assertThat(again.queue.isConnected()).isTrue();
    }

    @Test
    void aShutdownCompletes() {
        var admin = wireless.connected();
        io(1);

        admin.setProperty(Registers.CC, 0x0046_4001);

        wireless.until(() -> status(admin).shst() == ControllerStatus.SHST_COMPLETE);
    }

    @Test
    void theEndOfTheAdminQueueIsTheEndOfAll() {
        var admin = wireless.connected();
        var io = io(1);

        admin.close();

        wireless.until(() -> io.closed && wireless.target.associations() == 0);
        assertThat(wireless.subsystem.namespaces().getFirst().attachedControllers())
                .isEmpty();
    }

    @Test
    void theEndOfAnIoQueueIsTheEndOfThatQueue() {
        var admin = wireless.connected();
        io(1).close();

        assertThat(status(admin).rdy()).isTrue();
        assertThat(wireless.target.associations()).isEqualTo(1);
    }

    @Test
    void aSubsystemThatGoesTakesItsHostsAlongAndNoOthers() throws Exception {
        var admin = wireless.connected();
        var elsewhere = wireless.host();
        elsewhere.connect(0, 31, 0, 0, Wireless.data(Wireless.OTHER_NQN, Wireless.HOST, Wireless.HOST_ID, 0xFFFF));

        var removing = Thread.ofVirtual().start(() -> wireless.target.remove(wireless.subsystem));
        wireless.until(() -> admin.closed && !removing.isAlive());

        assertThat(elsewhere.closed).isFalse();
        assertThat(wireless.host().connect(0, 31, 0xFFFF, 0).status)
                .isEqualTo(FabricsStatus.CONNECT_INVALID_PARAMETERS | Status.DNR);
    }

    @Test
    void aHostThatFallsSilentIsEnded() {
        var admin = wireless.host();
        var data = Wireless.data(Wireless.NQN, Wireless.HOST, Wireless.HOST_ID, 0xFFFF);
        assertThat(admin.connect(0, 31, 0, 300, data).status).isZero();
        assertThat(admin.enable().status).isZero();
        var feature = admin.command(AdminOpcode.GET_FEATURES);
        feature.cdw10 = FeatureId.KEEP_ALIVE_TIMER;
        assertThat(admin.send(feature, null).result).isEqualTo(300);

        wireless.until(() -> admin.closed);

        assertThat(admin.disconnected).contains("keep alive");
        wireless.until(() -> wireless.target.associations() == 0);
    }

    @Test
    void aHostThatNeverConnectsIsEnded() {
        var host = wireless.host();

        host.queue.poll(System.nanoTime() + FabricQueue.CONNECT_BOUND_NANOS / 2);
        assertThat(host.disconnected).isNull();
        host.queue.poll(System.nanoTime() + FabricQueue.CONNECT_BOUND_NANOS + 1_000_000_000L);

        assertThat(host.disconnected).contains("no Connect");
    }

    @Test
    void aControllerThatNobodyEnablesIsEnded() {
        var host = wireless.host();
        host.connect(0, 31, 0xFFFF, 0);

        host.queue.poll(System.nanoTime() + FabricQueue.ENABLE_BOUND_NANOS + 1_000_000_000L);

        assertThat(host.disconnected).contains("not enabled");
    }

    @Test
    void abortsWhatWaitsForAnEventAndNothingElse() {
        var admin = wireless.connected();
        var event = admin.command(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST);
        event.cid = 0x1234;
        admin.send(event, null);

        var other = admin.command(AdminOpcode.ABORT);
        other.cdw10 = 0x4321 << 16;
        assertThat(admin.send(other, null).result).isEqualTo(1);
        assertThat(event.done()).isFalse();
        var abort = admin.command(AdminOpcode.ABORT);
        abort.cdw10 = 0x1234 << 16;
        assertThat(admin.send(abort, null).result).isZero();
        assertThat(abort.status).isZero();
        assertThat(event.code()).isEqualTo(Status.ABORTED_BY_REQUEST);
    }

    @Test
    void disconnectEndsAnIoQueueAndIsNothingForAnAdminQueue() {
        var admin = wireless.connected();
        var io = io(1);

        assertThat(admin.send(admin.fabrics(FabricsCommand.DISCONNECT), null).status)
                .isEqualTo(FabricsStatus.INVALID_QUEUE_TYPE | Status.DNR);
        var odd = io.fabrics(FabricsCommand.DISCONNECT);
        odd.cdw10 = 1;
        assertThat(io.send(odd, null).status).isEqualTo(FabricsStatus.INCOMPATIBLE_FORMAT | Status.DNR);
        assertThat(io.send(io.fabrics(FabricsCommand.DISCONNECT), null).status).isZero();
        assertThat(io.finished).isTrue();
        var late = io.command(NvmOpcode.READ);
        late.nsid = 1;
        assertThat(io.queue.admit(late)).isEqualTo(Status.ABORTED_SQ_DELETION);
        wireless.until(() -> io.closed);
        assertThat(status(admin).rdy()).isTrue();
    }

    // Fused.

    private static Wireless.Answer block(Wireless.Capsules io, int opc, int fuse) {
        var command = io.command(opc);
        command.flags = fuse;
        command.nsid = 1;
        return command;
    }

    private static byte[] filled(int value) {
        var bytes = new byte[512];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void comparesAndWritesAsOne() {
        wireless.connected();
        var io = io(1);

        var compare = io.send(block(io, NvmOpcode.COMPARE, 1), filled(0));
        assertThat(compare.done()).isFalse();
        var write = io.send(block(io, NvmOpcode.WRITE, 2), filled(7));
        io.await(write);
        assertThat(compare.status).isZero();
        assertThat(write.status).isZero();
        var read = io.await(io.send(block(io, NvmOpcode.READ, 0), null));
        assertThat(read.data).isEqualTo(filled(7));

        var wrong = io.send(block(io, NvmOpcode.COMPARE, 1), filled(1));
        var notWritten = io.await(io.send(block(io, NvmOpcode.WRITE, 2), filled(9)));
        assertThat(wrong.code()).isEqualTo(Status.COMPARE_FAILURE);
        assertThat(notWritten.code()).isEqualTo(Status.ABORTED_FAILED_FUSED);
    }

    @Test
    void halvesOfPairsAreAborted() {
        wireless.connected();
        var io = io(1);

        var alone = io.send(block(io, NvmOpcode.COMPARE, 1), filled(0));
        var read = io.await(io.send(block(io, NvmOpcode.READ, 0), null));
        assertThat(alone.code()).isEqualTo(Status.ABORTED_MISSING_FUSED);
        assertThat(read.status).isZero();
        var second = io.send(block(io, NvmOpcode.WRITE, 2), filled(0));
        assertThat(second.code()).isEqualTo(Status.ABORTED_MISSING_FUSED);

        var bad = block(io, NvmOpcode.COMPARE, 1);
        bad.cdw11 = -1;
        assertThat(io.send(bad, filled(0)).code()).isEqualTo(Status.LBA_OUT_OF_RANGE);
        assertThat(io.send(block(io, NvmOpcode.WRITE, 2), filled(0)).code()).isEqualTo(Status.ABORTED_FAILED_FUSED);

        var good = io.send(block(io, NvmOpcode.COMPARE, 1), filled(0));
        var far = block(io, NvmOpcode.WRITE, 2);
        far.cdw11 = -1;
        assertThat(io.send(far, filled(0)).code()).isEqualTo(Status.LBA_OUT_OF_RANGE);
        assertThat(good.code()).isEqualTo(Status.ABORTED_FAILED_FUSED);
        assertThat(io.send(block(io, NvmOpcode.READ, 3), null).code()).isEqualTo(Status.INVALID_FIELD);
    }
}
