package io.doorbell.fabrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every Connect that is refused is refused with the status and the place that the specification names. */
class ConnectTest {
    private static final int IATTR_DATA = 1 << 16;
    private static final int SUBNQN = IATTR_DATA | 256;
    private static final int HOSTNQN = IATTR_DATA | 512;
    private static final int CNTLID = IATTR_DATA | 16;
    private static final int HOSTID = IATTR_DATA;
    private static final int SQSIZE = 44;
    private static final int QID = 42;

    private final Wireless wireless = new Wireless();

    @AfterEach
    void close() {
        wireless.close();
    }

    private static void assertInvalid(Wireless.Answer answer, int place) {
        assertThat(answer.status).isEqualTo(FabricsStatus.CONNECT_INVALID_PARAMETERS | Status.DNR);
        assertThat(answer.result).isEqualTo(place);
    }

    @Test
    void aHostGetsAController() {
        var host = wireless.host();

        var answer = host.connect(0, 31, 0xFFFF, 0);

        assertThat(answer.status).isZero();
        assertThat(answer.result).isBetween(1L, 0xFFEFL);
        assertThat(answer.sqhd).isEqualTo(1);
        assertThat(host.reserved).isEqualTo(32);
        assertThat(host.queue.isAdmin()).isTrue();
        assertThat(wireless.target.associations()).isEqualTo(1);
        assertThat(host.property(Registers.VS, 4).result).isEqualTo(0x20000);
    }

    @Test
    void aHostThatIsNotAllowedIsRefusedAsSuch() {
        try (var guarded = new Guarded(Set.of(Wireless.HOST))) {
            wireless.target.add(guarded);
            var other = "nqn.2026-11.io.doorbell:other";
            for (String nqn : new String[] {other, "", Wireless.HOST + "0"}) {
                var refused =
                        wireless.host().connect(0, 31, 0, 0, Wireless.data(Guarded.NQN, nqn, Wireless.HOST_ID, 0xFFFF));
                assertThat(refused.status).as(nqn).isEqualTo(FabricsStatus.CONNECT_INVALID_HOST | Status.DNR);
                assertThat(refused.result).isZero();
            }
            assertThat(wireless.target.associations()).isZero();

            var allowed = wireless.host();
            var data = Wireless.data(Guarded.NQN, Wireless.HOST, Wireless.HOST_ID, 0xFFFF);
            assertThat(allowed.connect(0, 31, 0, 0, data).status).isZero();
            allowed.close();
            wireless.until(() -> wireless.target.associations() == 0);
            wireless.target.remove(guarded);
        }
    }

    @Test
    void nothingButConnectComesFirst() {
        var host = wireless.host();

        assertThat(host.enable().status).isEqualTo(Status.COMMAND_SEQUENCE_ERROR | Status.DNR);
        assertThat(host.send(host.command(AdminOpcode.IDENTIFY), null).status)
                .isEqualTo(Status.COMMAND_SEQUENCE_ERROR | Status.DNR);
        assertThat(host.connect(0, 31, 0xFFFF, 0).status).isZero();
    }

    @Test
    void aQueueIsConnectedOnce() {
        var host = wireless.connected();

        assertThat(host.connect(0, 31, 0xFFFF, 0).status).isEqualTo(Status.COMMAND_SEQUENCE_ERROR | Status.DNR);
        assertThat(wireless.target.associations()).isEqualTo(1);
    }

    @Test
    void aSecondConnectBeforeTheAnswerToTheFirstIsRefused() {
        var host = wireless.host();
        var first = host.fabrics(FabricsCommand.CONNECT);
        first.cdw11 = 31;
        host.send(first, Wireless.data(Wireless.NQN, Wireless.HOST, Wireless.HOST_ID, 0xFFFF));

        assertThat(host.connect(0, 31, 0xFFFF, 0).status).isEqualTo(Status.COMMAND_SEQUENCE_ERROR | Status.DNR);
        assertThat(host.await(first).status).isZero();
    }

    @Test
    void anotherRecordFormatIsRefused() {
        var host = wireless.host();
        var connect = host.fabrics(FabricsCommand.CONNECT);
        connect.cdw10 = FabricsCommand.connectDword10(1, 0);

        assertThat(host.send(connect, null).status).isEqualTo(FabricsStatus.INCOMPATIBLE_FORMAT | Status.DNR);
    }

    @ParameterizedTest
    @ValueSource(strings = {"nqn.2026-11.io.doorbell:nobody", "nonsense", ""})
    void aSubsystemThatIsNotThereIsRefused(String nqn) {
        var data = Wireless.data(nqn, Wireless.HOST, Wireless.HOST_ID, 0xFFFF);

        assertInvalid(wireless.host().connect(0, 31, 0, 0, data), SUBNQN);
    }

    @Test
    void namesThatDoNotEndAreRefused() {
        var subnqn = Wireless.data(Wireless.NQN, Wireless.HOST, Wireless.HOST_ID, 0xFFFF);
        MemorySegment.ofArray(subnqn).asSlice(256, 256).fill((byte) 'x');
        var hostnqn = Wireless.data(Wireless.NQN, Wireless.HOST, Wireless.HOST_ID, 0xFFFF);
        MemorySegment.ofArray(hostnqn).asSlice(512, 256).fill((byte) 'x');

        assertInvalid(wireless.host().connect(0, 31, 0, 0, subnqn), SUBNQN);
        assertInvalid(wireless.host().connect(0, 31, 0, 0, hostnqn), HOSTNQN);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "me"})
    void aHostMayHaveAnyName(String hostnqn) {
        var data = Wireless.data(Wireless.NQN, hostnqn, Wireless.HOST_ID, 0xFFFF);

        assertThat(wireless.host().connect(0, 31, 0, 0, data).status).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"nqn.2014-08.org.example:a\nERROR the node is on fire", "nqn.2014-08.org.example:\u001b[2J"})
    void aNameThatControlsATerminalOrBeginsALineIsNone(String hostnqn) {
        var data = Wireless.data(Wireless.NQN, hostnqn, Wireless.HOST_ID, 0xFFFF);

        assertInvalid(wireless.host().connect(0, 31, 0, 0, data), HOSTNQN);
    }

    @Test
    void aListenerOffersWhatItIsMadeFor() {
        var only = Wireless.listener("only", "127.0.0.1", Set.of(Wireless.OTHER_NQN));
        var data = Wireless.data(Wireless.OTHER_NQN, Wireless.HOST, Wireless.HOST_ID, 0xFFFF);

        assertInvalid(wireless.host(only).connect(0, 31, 0xFFFF, 0), SUBNQN);
        assertThat(wireless.host(only).connect(0, 31, 0, 0, data).status).isZero();
        assertThat(wireless.host(only).connect(0, 31, 0, 0, Wireless.discovery()).status)
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 128, 129, 65_535})
    void aQueueSizeThatCannotBeIsRefused(int sqsizeZeroBased) {
        assertInvalid(wireless.host().connect(0, sqsizeZeroBased, 0xFFFF, 0), SQSIZE);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 0xFFFE})
    void controllersAreDynamic(int cntlid) {
        assertInvalid(wireless.host().connect(0, 31, cntlid, 0), CNTLID);
    }

    @Test
    void aTransportWithoutRoomRefuses() {
        var host = wireless.host();
        host.room = 16;

        assertThat(host.connect(0, 31, 0xFFFF, 0).status).isEqualTo(FabricsStatus.CONTROLLER_BUSY);
        wireless.until(() -> wireless.target.associations() == 0);
    }

    @Test
    void dataOfAnotherLengthAreRefusedAndTheHostMayTryAgain() {
        var host = wireless.host();

        assertThat(host.connect(0, 31, 0, 0, new byte[512]).status)
                .isEqualTo(Status.DATA_SGL_LENGTH_INVALID | Status.DNR);
        assertThat(host.connect(0, 31, 0xFFFF, 0).status).isZero();
    }

    // I/O queues.

    @Test
    void aHostGetsIoQueues() {
        var admin = wireless.connected();
        int cntlid = controllerId(admin);
        var io = wireless.host();

        var answer = io.connect(1, 127, cntlid, 0);

        assertThat(answer.status).isZero();
        assertThat(answer.result).isEqualTo(cntlid);
        assertThat(io.queue.isAdmin()).isFalse();
        assertThat(io.queue.qid()).isEqualTo(1);
        var read = io.command(NvmOpcode.READ);
        read.nsid = 1;
        assertThat(io.await(io.send(read, null)).status).isZero();
        assertThat(read.data).hasSize(512);
    }

    private static int controllerId(Wireless.Capsules admin) {
        var identify = admin.command(AdminOpcode.IDENTIFY);
        identify.cdw10 = 1;
        admin.await(admin.send(identify, null));
        assertThat(identify.status).isZero();
        return io.doorbell.nvme.IdentifyController.CNTLID.get(MemorySegment.ofArray(identify.data));
    }

    @Test
    void anIoQueueOfNoControllerIsRefused() {
        var admin = wireless.connected();
        int cntlid = controllerId(admin);

        assertInvalid(wireless.host().connect(1, 31, cntlid + 1, 0), CNTLID);
        assertInvalid(wireless.host().connect(1, 31, 0xFFFF, 0), CNTLID);
        var elsewhere = Wireless.data(Wireless.OTHER_NQN, Wireless.HOST, Wireless.HOST_ID, cntlid);
        assertInvalid(wireless.host().connect(1, 31, 0, 0, elsewhere), CNTLID);
    }

    @Test
    void anotherHostCannotPutAQueueIntoAController() {
        int cntlid = controllerId(wireless.connected());
        var otherName = Wireless.data(Wireless.NQN, Wireless.HOST + "x", Wireless.HOST_ID, cntlid);
        var otherId = Wireless.data(Wireless.NQN, Wireless.HOST, new UUID(1, 2), cntlid);

        assertInvalid(wireless.host().connect(1, 31, 0, 0, otherName), HOSTNQN);
        assertInvalid(wireless.host().connect(1, 31, 0, 0, otherId), HOSTID);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "0x00460000", "0x00000001"})
    void aControllerThatIsNotEnabledForThemTakesNoIoQueues(String cc) {
        var admin = wireless.host();
        assertThat(admin.connect(0, 31, 0xFFFF, 0).status).isZero();
        int cntlid = (int)
                wireless.subsystem.namespaces().getFirst().attachedControllers().getFirst();
        admin.setProperty(Registers.CC, Integer.decode(cc));

        assertInvalid(wireless.host().connect(1, 31, cntlid, 0), QID);
    }

    @Test
    void queueIdentifiersAreThoseGrantedAndEachOnce() {
        int cntlid = controllerId(wireless.connected());

        assertThat(wireless.host().connect(Wireless.MAX_IO_QUEUES + 1, 31, cntlid, 0).status)
                .isEqualTo(Status.INVALID_QUEUE_IDENTIFIER | Status.DNR);
        var first = wireless.host();
        assertThat(first.connect(2, 31, cntlid, 0).status).isZero();
        assertThat(wireless.host().connect(2, 31, cntlid, 0).status)
                .isEqualTo(Status.INVALID_QUEUE_IDENTIFIER | Status.DNR);
        first.close();
        assertThat(wireless.host().connect(2, 31, cntlid, 0).status).isZero();
    }

    @Test
    void aDiscoveryControllerTakesNoIoQueues() {
        var admin = wireless.host();
        var answer = admin.connect(0, 31, 0, 0, Wireless.discovery());
        admin.enable();
        var data = Wireless.data(Nqn.DISCOVERY, Wireless.HOST, Wireless.HOST_ID, (int) answer.result);

        assertInvalid(wireless.host().connect(1, 31, 0, 0, data), QID);
    }

    @Test
    void aHostMayDoWithoutFlowControl() {
        var host = wireless.host();

        var answer = host.connect(0, 31, 0xFFFF, FabricsCommand.CATTR_DISABLE_FLOW_CONTROL);

        assertThat(answer.sqhd).isEqualTo(0xFFFF);
        assertThat(host.property(Registers.CC, 4).sqhd).isZero();
        assertThat(host.queue.hasFlowControl()).isFalse();
    }

    @Test
    void theHeadGoesRound() {
        var host = wireless.host();
        host.connect(0, 2, 0xFFFF, 0);

        assertThat(host.property(Registers.CC, 4).sqhd).isEqualTo(2);
        assertThat(host.property(Registers.CC, 4).sqhd).isZero();
        assertThat(host.property(Registers.CC, 4).sqhd).isEqualTo(1);
    }
}
