package io.doorbell.fabrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AnaLog;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.target.AccessState;
import io.doorbell.target.AccessStates;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** ANA states belong to listeners. */
class ListenerAccessTest {
    private final Wireless wireless = new Wireless();
    private final FabricListener second = Wireless.listener("second", "127.0.0.2", Set.of());

    @AfterEach
    void close() {
        wireless.close();
    }

    private Wireless.Capsules io(Wireless.Capsules admin, FabricListener at) {
        var io = wireless.host(at);
        assertThat(io.connect(1, 31, cntlid(admin), 0).status).isZero();
        return io;
    }

    private int cntlid(Wireless.Capsules admin) {
        var identify = admin.command(AdminOpcode.IDENTIFY);
        identify.cdw10 = 1;
        admin.await(admin.send(identify, null));
        return MemorySegment.ofArray(identify.data).get(java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED, 78);
    }

    private Wireless.Capsules connected(FabricListener at) {
        var host = wireless.host(at);
        assertThat(host.connect(0, 31, 0xFFFF, 0).status).isZero();
        assertThat(host.enable().status).isZero();
        return host;
    }

    private static int read(Wireless.Capsules io) {
        io.queue.poll(System.nanoTime());
        var read = io.command(NvmOpcode.READ);
        read.nsid = 1;
        return io.await(io.send(read, null)).status;
    }

    private static int state(Wireless.Capsules admin) {
        var get = admin.command(AdminOpcode.GET_LOG_PAGE);
        get.cdw10 = LogPageId.ASYMMETRIC_NAMESPACE_ACCESS | 255 << 16;
        assertThat(admin.await(admin.send(get, null)).status).isZero();
        return AnaLog.read(MemorySegment.ofArray(get.data)).groups().getFirst().state();
    }

    @Test
    void aChangeCountsForWhoCameByThatListenerAndNobodyIsDisconnected() {
        wireless.target.add(second);
        var here = connected(wireless.listener);
        var hereIo = io(here, wireless.listener);
        var there = connected(second);
        var thereIo = io(there, second);
        var configure = here.command(AdminOpcode.SET_FEATURES);
        configure.cdw10 = FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION;
        configure.cdw11 = AsyncEvent.CONFIG_ANA_CHANGE_NOTICES;
        assertThat(here.send(configure, null).status).isZero();
        var event = here.send(here.command(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST), null);

        wireless.target.accessStates(wireless.listener, AccessStates.ALL_OPTIMIZED.with(1, AccessState.INACCESSIBLE));

        assertThat(here.await(event).result).isEqualTo(0x0C_0302);
        assertThat(read(hereIo)).isEqualTo(Status.ASYMMETRIC_ACCESS_INACCESSIBLE);
        assertThat(read(thereIo)).isZero();
        assertThat(List.of(state(here), state(there))).containsExactly(3, 1);
        wireless.target.accessStates(wireless.listener, AccessStates.ALL_OPTIMIZED);
        assertThat(read(hereIo)).isZero();
        assertThat(here.disconnected).isNull();
        assertThat(hereIo.disconnected).isNull();
    }

    @Test
    void whoComesLaterFindsTheStatesThatTheListenerHas() {
        wireless.target.accessStates(second, AccessStates.ALL_OPTIMIZED.with(1, AccessState.PERSISTENT_LOSS));
        wireless.target.add(second);

        var there = connected(second);

        assertThat(state(there)).isEqualTo(4);
        assertThat(read(io(there, second))).isEqualTo(Status.ASYMMETRIC_ACCESS_PERSISTENT_LOSS);
    }

    @Test
    void allQueuesOfAControllerComeByOneListener() {
        wireless.target.add(second);
        var here = connected(wireless.listener);

        var answer = wireless.host(second).connect(1, 31, cntlid(here), 0);

        assertThat(answer.status).isEqualTo(FabricsStatus.CONNECT_INVALID_PARAMETERS | Status.DNR);
        assertThat(answer.result).isEqualTo(1 << 16 | ConnectData.CNTLID.offset());
    }
}
