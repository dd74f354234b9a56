package io.doorbell.fabrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.DiscoveryLog;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TransportId;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DiscoveryTest {
    private final Wireless wireless = new Wireless();
    private Wireless.Capsules host;

    @BeforeEach
    void connect() {
        host = wireless.host();
        assertThat(host.connect(0, 31, 0, 0, Wireless.discovery()).status).isZero();
        assertThat(host.enable().status).isZero();
    }

    @AfterEach
    void close() {
        wireless.close();
    }

    private Wireless.Answer page(int lid, int bytes, long offset, boolean retain) {
        var command = host.command(AdminOpcode.GET_LOG_PAGE);
        int numd = bytes / 4 - 1;
        command.cdw10 = lid | (retain ? 1 << 15 : 0) | (numd & 0xFFFF) << 16;
        command.cdw11 = numd >>> 16;
        command.cdw12 = (int) offset;
        return host.await(host.send(command, null));
    }

    private MemorySegment log() {
        var header = page(LogPageId.DISCOVERY, 1024, 0, true);
        assertThat(header.status).isZero();
        int count = (int) DiscoveryLog.NUMREC.get(MemorySegment.ofArray(header.data));
        var whole = page(LogPageId.DISCOVERY, 1024 * (count + 1), 0, false);
        assertThat(whole.status).isZero();
        return MemorySegment.ofArray(whole.data);
    }

    private static List<String> entries(MemorySegment log) {
        var texts = new ArrayList<String>();
        for (int i = 1; i <= DiscoveryLog.NUMREC.get(log); i++) {
            long at = 1024L * i;
            texts.add(DiscoveryLog.SUBTYPE.get(log, at) + " " + DiscoveryLog.TRTYPE.get(log, at) + " "
                    + DiscoveryLog.ADRFAM.get(log, at) + " " + DiscoveryLog.TRADDR.get(log, at) + " "
                    + DiscoveryLog.TRSVCID.get(log, at) + " " + DiscoveryLog.SUBNQN.get(log, at));
        }
        return texts;
    }

    @Test
    void tellsOfWhatListenersOffer() {
        wireless.target.add(Wireless.listener("all", "0.0.0.0", Set.of(Wireless.OTHER_NQN)));
        wireless.target.referrals(List.of(TransportId.parse("trtype:TCP traddr:fd00::7 trsvcid:8009")));

        assertThat(entries(log()))
                .containsExactly(
                        "3 3 1 127.0.0.1 4420 " + Nqn.DISCOVERY,
                        "2 3 1 127.0.0.1 4420 " + Wireless.NQN,
                        "2 3 1 127.0.0.1 4420 " + Wireless.OTHER_NQN,
                        "2 3 1 192.0.2.1 4420 " + Wireless.OTHER_NQN,
                        "1 3 2 fd00::7 8009 " + Nqn.DISCOVERY);
    }

    @Test
    void tellsAHostOnlyOfSubsystemsThatItMayUse() {
        var guarded = new Guarded(Set.of("nqn.2026-11.io.doorbell:other"));
        wireless.target.add(guarded);
        var before = log();
        assertThat(entries(before)).hasSize(3).noneMatch(entry -> entry.contains(Guarded.NQN));

        guarded.allow(Set.of(Wireless.HOST));

        var after = log();
        assertThat(entries(after)).hasSize(4).anyMatch(entry -> entry.contains(Guarded.NQN));
        assertThat(DiscoveryLog.GENCTR.get(after)).isEqualTo(DiscoveryLog.GENCTR.get(before) + 1);
        assertThat(DiscoveryLog.GENCTR.get(log())).isEqualTo(DiscoveryLog.GENCTR.get(after));
        wireless.target.remove(guarded);
        assertThat(guarded.watchers).isEmpty();
        guarded.close();
    }

    @Test
    void otherEntriesNeverHaveTheSameGeneration() {
        var guarded = new Guarded(Set.of());
        wireless.target.add(guarded);
        var before = log();

        guarded.allowUnsaid(Set.of(Wireless.HOST));

        var after = log();
        assertThat(entries(after)).hasSize(4);
        assertThat(DiscoveryLog.GENCTR.get(after)).isEqualTo(DiscoveryLog.GENCTR.get(before) + 1);
        wireless.target.remove(guarded);
        guarded.close();
    }

    @Test
    void aHostThatAskedIsToldWhenItMayUseMore() {
        var guarded = new Guarded(Set.of());
        wireless.target.add(guarded);
        var configure = host.command(AdminOpcode.SET_FEATURES);
        configure.cdw10 = FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION;
        configure.cdw11 = AsyncEvent.CONFIG_DISCOVERY_LOG_CHANGE_NOTICES;
        assertThat(host.send(configure, null).status).isZero();
        var event = host.send(host.command(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST), null);
        host.queue.poll(System.nanoTime());
        assertThat(event.done()).isFalse();

        guarded.allow(Set.of(Wireless.HOST));

        host.await(event);
        assertThat(event.result).isEqualTo(0x70F002);
        wireless.target.remove(guarded);
        guarded.close();
    }

    @Test
    void countsItsChanges() {
        long before = DiscoveryLog.GENCTR.get(log());
        assertThat(DiscoveryLog.GENCTR.get(log())).isEqualTo(before);

        wireless.target.remove(wireless.listener);

        var log = log();
        assertThat(DiscoveryLog.GENCTR.get(log)).isNotEqualTo(before);
        assertThat(DiscoveryLog.NUMREC.get(log)).isZero();
    }

    @Test
    void tellsOfChangesToHostsThatAsked() {
        var configure = host.command(AdminOpcode.SET_FEATURES);
        configure.cdw10 = FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION;
        configure.cdw11 = AsyncEvent.CONFIG_DISCOVERY_LOG_CHANGE_NOTICES;
        assertThat(host.send(configure, null).status).isZero();
        var first = host.send(host.command(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST), null);
        assertThat(first.done()).isFalse();

        wireless.target.remove(wireless.other);
        host.await(first);
        assertThat(first.result).isEqualTo(0x70F002);

        // One event until the page is read.
        var second = host.send(host.command(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST), null);
        wireless.target.add(wireless.other);
        host.queue.poll(System.nanoTime());
        assertThat(second.done()).isFalse();
        log();
        wireless.target.remove(wireless.other);
        host.await(second);
        assertThat(second.status).isZero();
    }

    @Test
    void readsBehindThePageAreZeroAndOddOnesRefused() {
        var behind = page(LogPageId.DISCOVERY, 2048, 1024 * 4, true);
        assertThat(behind.status).isZero();
        assertThat(behind.data).containsOnly(0);
        assertThat(page(LogPageId.DISCOVERY, 1024, 2, true).code()).isEqualTo(Status.INVALID_FIELD);
        assertThat(page(LogPageId.DISCOVERY, 1024, 1 << 20, true).code()).isEqualTo(Status.INVALID_FIELD);
        assertThat(page(LogPageId.SMART_HEALTH_INFORMATION, 512, 0, true).code())
                .isEqualTo(Status.INVALID_LOG_PAGE);
    }

    @Test
    void saysWhatItIs() {
        var identify = host.command(AdminOpcode.IDENTIFY);
        identify.cdw10 = 1;
        host.await(host.send(identify, null));
        var page = MemorySegment.ofArray(identify.data);

        assertThat(IdentifyController.CNTRLTYPE.get(page)).isEqualTo(IdentifyController.CNTRLTYPE_DISCOVERY);
        assertThat(IdentifyController.SUBNQN.get(page)).isEqualTo(Nqn.DISCOVERY);
        var namespaces = host.command(AdminOpcode.IDENTIFY);
        namespaces.cdw10 = 2;
        assertThat(host.await(host.send(namespaces, null)).code()).isEqualTo(Status.INVALID_FIELD);
        assertThat(host.send(host.command(0x0D), null).code()).isEqualTo(Status.INVALID_OPCODE);
        assertThat(host.send(host.command(AdminOpcode.KEEP_ALIVE), null).status).isZero();
    }

    @Test
    void aKeepAliveTimeoutCountsFromWhenItIsSet() {
        var set = host.command(AdminOpcode.SET_FEATURES);
        set.cdw10 = FeatureId.KEEP_ALIVE_TIMER;
        set.cdw11 = 1950;
        assertThat(host.send(set, null).status).isZero();
        var get = host.command(AdminOpcode.GET_FEATURES);
        get.cdw10 = FeatureId.KEEP_ALIVE_TIMER;
        assertThat(host.send(get, null).result).as("in units of 100 ms").isEqualTo(2000);
        var tooLong = host.command(AdminOpcode.SET_FEATURES);
        tooLong.cdw10 = FeatureId.KEEP_ALIVE_TIMER;
        tooLong.cdw11 = -1;
        assertThat(host.send(tooLong, null).code()).isEqualTo(Status.KEEP_ALIVE_TIMEOUT_INVALID);

        long now = System.nanoTime();
        host.queue.poll(now + 200_000_000L); // The commands count with this.
        host.queue.poll(now + 2_000_000_000L);
        assertThat(host.disconnected).isNull();
        host.queue.poll(now + 2_500_000_000L);

        assertThat(host.disconnected).contains("said nothing for 2000 ms");
    }

    @Test
    void aSilentHostIsEnded() {
        host.queue.poll(System.nanoTime() + FabricQueue.TICK_NANOS * 2);
        host.queue.poll(System.nanoTime() + DiscoveryController.SILENCE_BOUND_NANOS + 2_000_000_000L);

        wireless.until(() -> host.closed);
        assertThat(host.disconnected).contains("said nothing");
    }
}
