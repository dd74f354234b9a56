package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.fabrics.DataPool;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Hosts that hold what others need: how long they may, and how much. Time is the test's ({@link DrivenTarget}). */
@Timeout(300)
class PatienceTest {
    private static final int CONNECTIONS = 24;
    private static final int ENTRIES = 32;
    private static final int LONGEST = 1 << 17;
    private static final int BUFFER_MEBIBYTES = 4;
    private static final int CHUNKS = (BUFFER_MEBIBYTES << 20) / DataPool.CHUNK_BYTES;
    private static final int STEPS_PER_PATIENCE = 5;
    private static final Duration STEP =
            Duration.ofNanos(TcpConnection.PATIENCE_NANOS / STEPS_PER_PATIENCE).plusMillis(200);

    private final DrivenTarget target = new DrivenTarget(
            new TcpTargetSettings(
                    "patience",
                    "127.0.0.1",
                    0,
                    Set.of(),
                    1,
                    CONNECTIONS,
                    ENTRIES,
                    16,
                    8192,
                    LONGEST,
                    BUFFER_MEBIBYTES,
                    true,
                    true,
                    false),
            subsystem());
    private final DrivenHost.Memory memory = new DrivenHost.Memory();
    private final Random random = new Random(1);
    private final FuzzBlocks blocks = new FuzzBlocks(1024);
    private final List<FuzzHost> hosts = new ArrayList<>();
    private int lastController;

    private static NvmSubsystem subsystem() {
        var subsystem = new NvmSubsystem(FuzzTest.EXACT, "SN", "Model");
        subsystem.addNamespace(1, new MemoryBackend().open(new NamespaceSpec("memory", 1 << 20, 512, "")));
        return subsystem;
    }

    @AfterEach
    void close() {
        hosts.forEach(FuzzHost::forget);
        await(() -> target.connections() + target.fabrics.associations() == 0);
        assertThat(target.member.heldParts()).isZero();
        target.close();
        memory.close();
    }

    private void await(java.util.function.BooleanSupplier condition) {
        long begun = System.nanoTime();
        while (!condition.getAsBoolean()) {
            target.cycle();
            assertThat(System.nanoTime() - begun).isLessThan(60_000_000_000L);
        }
    }

    private FuzzHost host() {
        var host = new FuzzHost(target, memory, FuzzHost.newAnswers(), blocks, random);
        hosts.add(host);
        return host;
    }

    private FuzzHost admin() {
        var admin = host();
        admin.wire.initialize(0);
        lastController = admin.connect(FuzzTest.EXACT, FabricsCommand.DYNAMIC_CONTROLLER, 0, ENTRIES, 0);
        admin.configure(0x0046_0001);
        return admin;
    }

    private FuzzHost io(int qid) {
        var io = host();
        io.wire.initialize(0);
        io.connect(FuzzTest.EXACT, lastController, qid, ENTRIES, 0);
        return io;
    }

    /** A command of {@code bytes} that is sent, and what comes is not looked at. */
    private static void send(FuzzHost io, int opc, int cid, int bytes) {
        io.entry(opc, cid, 1, 0, 0, bytes / 512 - 1);
        io.sgl(RawHost.TRANSPORT, 0, bytes);
        io.wire.capsule(0);
        io.wire.flush();
    }

    private static boolean goesOn(FuzzHost host) {
        host.wire.poll();
        return !host.wire.isEnded();
    }

    private void pass(Duration time) {
        target.later(time);
        for (int i = 0; i < 4; i++) {
            target.cycle();
        }
    }

    @Test
    void whoSendsAByteNowAndThenIsNotWaitedForForever() {
        admin();
        var io = io(1);
        send(io, NvmOpcode.WRITE, 7, LONGEST);
        long r2t = io.wire.await();
        io.wire.h2cData(7, TcpPdu.ttag(io.bytes, r2t), 0, LONGEST, true);
        io.wire.cut(LONGEST);
        io.wire.flush();
        int steps = 0;

        while (goesOn(io)) {
            // A byte, as one of data.
            io.bytes.set(ValueLayout.JAVA_BYTE, io.wire.staged(), (byte) 1);
            io.wire.staged(1);
            io.wire.flush();
            pass(STEP);
            steps++;
            assertThat(steps).isLessThan(3 * STEPS_PER_PATIENCE);
        }

        assertThat(steps).isGreaterThan(STEPS_PER_PATIENCE - 2);
        await(() -> target.connections() == 1);
    }

    @Test
    void whoIsSlowButGoesOnIsWaitedFor() {
        admin();
        var io = io(1);
        send(io, NvmOpcode.WRITE, 7, LONGEST);
        long r2t = io.wire.await();
        int tag = TcpPdu.ttag(io.bytes, r2t);
        int part = TcpConnection.LEAST_BYTES / 4;

        for (int at = 0; at < LONGEST; at += part) {
            assertThat(goesOn(io)).isTrue();
            io.wire.h2cData(7, tag, at, part, at + part == LONGEST);
            io.wire.flush();
            pass(STEP);
        }

        long answer = io.wire.await();
        assertThat(TcpPdu.type(io.bytes, answer)).isEqualTo(TcpPdu.CAPSULE_RESP);
    }

    @Test
    void whoNeverReadsIsNotWaitedForForever() {
        admin();
        var io = io(1);
        int idle = target.member.heldParts();
        for (int sent = 0; target.member.heldParts() - idle < 4 * DataPool.chunks(LONGEST); sent++) {
            // More than the kernel keeps for it.
            send(io, NvmOpcode.READ, sent % (ENTRIES - 1), LONGEST);
            assertThat(sent).isLessThan(1000);
        }

        pass(Duration.ofNanos(TcpConnection.PATIENCE_NANOS).plusSeconds(1));
        pass(Duration.ofNanos(TcpConnection.PATIENCE_NANOS).plusSeconds(1));
        pass(Duration.ofNanos(TcpConnection.PATIENCE_NANOS).plusSeconds(1));

        assertThat(target.connections()).isEqualTo(1);
    }

    @Test
    void whoHasNothingToDoStays() {
        var admin = admin();
        var io = io(1);

        for (int i = 0; i < 40; i++) {
            pass(STEP);
        }

        assertThat(goesOn(admin) && goesOn(io)).isTrue();
    }

    @Test
    void howeverManyHoldMemoryTheNextOneFindsSome() {
        var admin = admin();
        var good = io(1);
        var greedy = new ArrayList<FuzzHost>();
        for (int qid = 2; qid <= 15; qid++) {
            greedy.add(io(qid));
        }
        int idle = target.member.heldParts();
        for (var host : greedy) {
            for (int cid = 0; cid < ENTRIES - 1; cid++) {
                // Each would have all of it: Writes whose data are asked for and never come.
                send(host, NvmOpcode.WRITE, cid, LONGEST);
            }
        }

        assertThat(target.member.heldParts() - idle).isBetween(CHUNKS * 3 / 4, CHUNKS - 2 * TcpReactor.ADMIN_CHUNKS);
        for (int i = 0; i < 20; i++) {
            send(good, NvmOpcode.READ, 100 + i, 8192);
            assertThat(TcpPdu.type(good.bytes, good.wire.await())).isEqualTo(TcpPdu.C2H_DATA);
            assertThat(TcpPdu.type(good.bytes, good.wire.await())).isEqualTo(TcpPdu.CAPSULE_RESP);
            admin.entry(AdminOpcode.KEEP_ALIVE, i, 0, 0, 0, 0);
            admin.wire.capsule(0);
            admin.wire.flush();
            assertThat(TcpPdu.type(admin.bytes, admin.wire.await())).isEqualTo(TcpPdu.CAPSULE_RESP);
        }
    }

    @Test
    void whoeverIsSilentFromTheBeginningGivesWayToOthers() {
        admin();
        while (hosts.size() < CONNECTIONS) {
            host();
        }
        await(() -> target.connections() == CONNECTIONS);
        var early = host();
        await(() -> !goesOn(early));

        pass(Duration.ofSeconds(1));
        var late = io(1);

        assertThat(goesOn(late)).isTrue();
        assertThat(target.connections()).isEqualTo(CONNECTIONS);
        assertThat(hosts.stream().filter(host -> !goesOn(host)).count()).isEqualTo(2); // early, and one silent
    }

    @Test
    void whoIsRefusedTooOftenHasToGo() {
        var host = host();
        host.wire.initialize(0);

        for (int i = 0; i < 8; i++) {
            host.connectData("nqn.2026-11.io.doorbell:nobody", 0xFFFF);
            host.stageConnect(i, 0, 0, 31, 0);
            host.wire.flush();
            long answer = host.wire.await();
            long tail = host.bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, answer + TcpPdu.ENTRY_OFFSET + 8);
            assertThat(Status.code(CompletionEntry.status(tail))).isEqualTo(FabricsStatus.CONNECT_INVALID_PARAMETERS);
        }

        assertThat(host.wire.await()).isNegative();
    }

    @Test
    void dataOfACapsuleMayBeginBehindItsBeginning() {
        admin();
        var io = io(1);
        int offset = 512;
        io.entry(NvmOpcode.WRITE, 1, 1, 8, 0, 0);
        io.sgl(RawHost.CAPSULE, offset, 512);
        long pdu = io.wire.capsule(offset + 512 + 4);
        FuzzBlocks.write(io.bytes, io.wire.dataOf(pdu) + offset, 5, 8, 0, 512);
        io.wire.flush();
        assertThat(TcpPdu.type(io.bytes, io.wire.await())).isEqualTo(TcpPdu.CAPSULE_RESP);

        io.entry(NvmOpcode.READ, 2, 1, 8, 0, 0);
        io.sgl(RawHost.TRANSPORT, 0, 512);
        io.wire.capsule(0);
        io.wire.flush();

        blocks.written(8, 1, 5);
        blocks.requireRead(io.bytes, io.wire.dataOf(io.wire.await()), 8, 1);
    }

    @Test
    void whoBreaksTheProtocolBeforeICRespIsSentIsToldSo() {
        var host = host();
        long at = host.wire.staged();
        TcpPdu.initialize(host.bytes, at, TcpPdu.ICREQ, 0, 0, 0);
        host.wire.staged(TcpPdu.IC_BYTES);
        TcpPdu.initialize(host.bytes, host.wire.staged(), TcpPdu.ICREQ, 0, 0, 0);
        host.wire.staged(TcpPdu.IC_BYTES);
        host.wire.flush();

        assertThat(TcpPdu.type(host.bytes, host.wire.await())).isEqualTo(TcpPdu.ICRESP);
        long termination = host.wire.await();
        assertThat(TcpPdu.type(host.bytes, termination)).isEqualTo(TcpPdu.C2H_TERM_REQ);
        assertThat(TcpPdu.fes(host.bytes, termination)).isEqualTo(TcpPdu.SEQUENCE_ERROR);
        assertThat(host.wire.await()).isNegative();
    }

    private SortedMap<String, Long> counters() {
        var counters = new TreeMap<String, Long>();
        target.member.counters.addTo(counters);
        return counters;
    }

    private Socket silent() throws IOException {
        var at = target.address();
        var socket = new Socket(at.getAddress(), at.getPort());
        socket.setSoTimeout(1);
        return socket;
    }

    private static boolean hasEnded(Socket socket) {
        try {
            return socket.getInputStream().read() < 0;
        } catch (SocketTimeoutException open) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    @Test
    void whoSendsNoConnectGivesWayToANewerOneAndIsCountedOnce() throws IOException {
        var silent = new ArrayList<Socket>();
        SortedMap<String, Long> before;
        long begun;
        do {
            for (var socket : silent) {
                socket.close();
            }
            silent.clear();
            await(() -> target.connections() == 0);
            before = counters();
            begun = System.nanoTime();
            for (int i = 0; i < CONNECTIONS; i++) {
                silent.add(silent());
            }
            await(() -> target.connections() == CONNECTIONS);
            target.later(Duration.ofSeconds(1));
            silent.add(silent());
            long accepted = before.get("connections_accepted") + CONNECTIONS + 1;
            await(() -> counters().get("connections_accepted") == accepted);
            // A machine that stood still for so long has had them end of themselves.
        } while (System.nanoTime() - begun > Duration.ofSeconds(5).toNanos());

        var after = counters();
        assertThat(after.get("connections_evicted") - before.get("connections_evicted"))
                .isEqualTo(1);
        assertThat(after.get("connections_refused")).isEqualTo(before.get("connections_refused"));
        assertThat(after.get("connections_terminated")).isEqualTo(before.get("connections_terminated"));
        assertThat(target.connections()).isEqualTo(CONNECTIONS);
        var newest = silent.removeLast();
        assertThat(hasEnded(newest)).isFalse();
        newest.close();
        await(() -> silent.stream().filter(PatienceTest::hasEnded).count() == 1);
        for (var socket : silent) {
            socket.close();
        }
    }
}
