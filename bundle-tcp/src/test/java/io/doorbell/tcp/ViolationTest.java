package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.TcpPdu;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What ends a connection, and the reason that the host is told. NVMe over TCP Transport 1.1 §3.4 "Error Handling Model". */
@Timeout(300)
class ViolationTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private final Node node = new Node(Node.settings(0, 8192, 4, true));

    @AfterEach
    void close() {
        await().atMost(BOUND).until(() -> node.target.connections() == 0 && node.fabrics.associations() == 0);
        node.close();
    }

    private static byte[] icreq(Consumer<MemorySegment> change) {
        var bytes = new byte[TcpPdu.IC_BYTES];
        var pdu = MemorySegment.ofArray(bytes);
        TcpPdu.initialize(pdu, 0, TcpPdu.ICREQ, 0, 0, 0);
        change.accept(pdu);
        return bytes;
    }

    /** The first thing said is answered by a TermReq, and by the end. */
    private void first(byte[] bytes, int fes, int fei) {
        try (var host = new RawHost(node.target.address())) {
            host.write(bytes);
            terminated(host, bytes, fes, fei);
        }
    }

    private static void terminated(RawHost host, byte[] offending, int fes, int fei) {
        var pdu = host.read();
        assertThat(pdu).isNotNull();
        assertThat(pdu.type()).isEqualTo(TcpPdu.C2H_TERM_REQ);
        assertThat(TcpPdu.errorName(TcpPdu.fes(pdu.bytes(), 0))).isEqualTo(TcpPdu.errorName(fes));
        assertThat(TcpPdu.fei(pdu.bytes(), 0)).isEqualTo(fei);
        long header = TcpPdu.plen(pdu.bytes(), 0) - TcpPdu.TERM_REQ_BYTES;
        assertThat(header).isBetween(8L, 128L);
        assertThat(pdu.bytes()
                        .asSlice(TcpPdu.TERM_REQ_BYTES)
                        .mismatch(MemorySegment.ofArray(offending).asSlice(0, header)))
                .isEqualTo(-1);
        assertThat(host.read()).isNull();
    }

    @Test
    void initializationHasToBeRight() {
        first(
                icreq(pdu -> pdu.set(java.lang.foreign.ValueLayout.JAVA_BYTE, 8, (byte) 1)),
                TcpPdu.UNSUPPORTED_PARAMETER,
                8);
        first(
                icreq(pdu -> pdu.set(java.lang.foreign.ValueLayout.JAVA_BYTE, 10, (byte) 32)),
                TcpPdu.INVALID_HEADER_FIELD,
                10);
        first(
                icreq(pdu -> pdu.set(java.lang.foreign.ValueLayout.JAVA_BYTE, 11, (byte) 4)),
                TcpPdu.INVALID_HEADER_FIELD,
                11);
        first(
                icreq(pdu -> pdu.set(java.lang.foreign.ValueLayout.JAVA_BYTE, 2, (byte) 64)),
                TcpPdu.INVALID_HEADER_FIELD,
                2);
        first(
                icreq(pdu -> pdu.set(java.lang.foreign.ValueLayout.JAVA_BYTE, 4, (byte) 129)),
                TcpPdu.INVALID_HEADER_FIELD,
                4);
        first(
                icreq(pdu -> pdu.set(java.lang.foreign.ValueLayout.JAVA_BYTE, 0, (byte) 0x55)),
                TcpPdu.INVALID_HEADER_FIELD,
                0);
        first(
                icreq(pdu -> pdu.set(java.lang.foreign.ValueLayout.JAVA_BYTE, 0, (byte) TcpPdu.ICRESP)),
                TcpPdu.INVALID_HEADER_FIELD,
                0);
    }

    @Test
    void initializationComesFirstAndOnce() {
        var capsule = MemorySegment.ofArray(new byte[TcpPdu.CAPSULE_CMD_BYTES]);
        TcpPdu.common(capsule, 0, TcpPdu.CAPSULE_CMD, 0, 72, 0, 72);
        first((byte[]) capsule.heapBase().orElseThrow(), TcpPdu.SEQUENCE_ERROR, 0);

        try (var host = new RawHost(node.target.address())) {
            host.initialize(0);
            var again = icreq(pdu -> {});
            host.write(again);
            terminated(host, again, TcpPdu.SEQUENCE_ERROR, 0);
        }
    }

    /** An I/O queue that breaks the protocol, and the host's other queue, which is not disturbed. */
    private void io(int digests, Consumer<RawHost> act, int fes, int fei) {
        try (var admin = new RawHost(node.target.address());
                var io = new RawHost(node.target.address())) {
            int cntlid = admin.admin(0);
            io.io(1, 32, cntlid, 0, digests);
            act.accept(io);
            var pdu = io.read();
            while (pdu != null && pdu.type() != TcpPdu.C2H_TERM_REQ) {
                pdu = io.read();
            }
            assertThat(pdu).isNotNull();
            assertThat(TcpPdu.errorName(TcpPdu.fes(pdu.bytes(), 0))).isEqualTo(TcpPdu.errorName(fes));
            if (fei >= 0) {
                assertThat(TcpPdu.fei(pdu.bytes(), 0)).isEqualTo(fei);
            }
            assertThat(io.read()).isNull();
            end(io);

            try (var next = new RawHost(node.target.address())) {
                await().atMost(BOUND).until(() -> node.target.connections() <= 2);
                next.io(1, 32, cntlid, 0, 0);
            }
        }
    }

    private static void end(RawHost host) {
        host.close();
    }

    private static byte[] changed(byte[] bytes, int at, int value) {
        var copy = bytes.clone();
        copy[at] = (byte) value;
        return copy;
    }

    private static MemorySegment read() {
        var command = RawHost.command(NvmOpcode.READ, 1, 1, 0, 0, 0);
        SubmissionEntry.sgl1(command, 0, RawHost.TRANSPORT, 0, 512);
        return command;
    }

    @Test
    void headersHaveToBeRight() {
        io(0, host -> host.write(changed(host.capsule(read(), new byte[0]), 1, 1)), TcpPdu.INVALID_HEADER_FIELD, 1);
        io(0, host -> host.write(changed(host.capsule(read(), new byte[0]), 1, 4)), TcpPdu.INVALID_HEADER_FIELD, 1);
        io(0, host -> host.write(changed(host.capsule(read(), new byte[0]), 2, 71)), TcpPdu.INVALID_HEADER_FIELD, 2);
        io(0, host -> host.write(changed(host.capsule(read(), new byte[512]), 3, 74)), TcpPdu.INVALID_HEADER_FIELD, 3);
        io(0, host -> host.write(changed(host.capsule(read(), new byte[512]), 3, 8)), TcpPdu.INVALID_HEADER_FIELD, 3);
        io(0, host -> host.write(changed(host.capsule(read(), new byte[0]), 4, 71)), TcpPdu.INVALID_HEADER_FIELD, 4);
        io(0, host -> host.write(changed(host.capsule(read(), new byte[0]), 7, 0x80)), TcpPdu.INVALID_HEADER_FIELD, 3);
        io(0, host -> host.write(host.capsule(read(), new byte[8196])), TcpPdu.LIMIT_EXCEEDED, 0);
        io(3, host -> host.write(changed(host.capsule(read(), new byte[0]), 1, 0)), TcpPdu.INVALID_HEADER_FIELD, 1);
    }

    @Test
    void aHeaderThatIsNotWhatWasSentEndsTheConnection() {
        io(1, host -> host.write(changed(host.capsule(read(), new byte[0]), 50, 1)), TcpPdu.HEADER_DIGEST_ERROR, -1);
    }

    @Test
    void dataHaveToBeAskedFor() {
        for (int ttag : new int[] {0, 1, 31, 32, 0xFFFF}) {
            io(0, host -> host.write(host.h2cData(1, ttag, 0, new byte[512], true)), TcpPdu.INVALID_HEADER_FIELD, 10);
        }
    }

    private static void asked(RawHost host, DataOfTransfer act) {
        host.send(RawHost.command(NvmOpcode.WRITE, 77, 1, 0, 0, 31), 16384);
        var r2t = host.read();
        assertThat(r2t.type()).isEqualTo(TcpPdu.R2T);
        host.write(act.of(host, TcpPdu.ttag(r2t.bytes(), 0)));
    }

    private interface DataOfTransfer {
        byte[] of(RawHost host, int ttag);
    }

    private void data(DataOfTransfer act, int fes, int fei) {
        io(0, host -> asked(host, act), fes, fei);
    }

    @Test
    void dataHaveToBeThoseThatWereAskedFor() {
        data((host, ttag) -> host.h2cData(78, ttag, 0, new byte[512], false), TcpPdu.INVALID_HEADER_FIELD, 8);
        data((host, ttag) -> host.h2cData(77, ttag + 1, 0, new byte[512], false), TcpPdu.INVALID_HEADER_FIELD, 10);
        data((host, ttag) -> host.h2cData(77, ttag, 512, new byte[512], false), TcpPdu.DATA_OUT_OF_RANGE, 0);
        data((host, ttag) -> host.h2cData(77, ttag, 0, new byte[16388], true), TcpPdu.DATA_OUT_OF_RANGE, 0);
        data((host, ttag) -> host.h2cData(77, ttag, -4, new byte[512], false), TcpPdu.DATA_OUT_OF_RANGE, 0);
        data((host, ttag) -> host.h2cData(77, ttag, 0, new byte[512], true), TcpPdu.INVALID_HEADER_FIELD, 1);
        data((host, ttag) -> host.h2cData(77, ttag, 0, new byte[16384], false), TcpPdu.INVALID_HEADER_FIELD, 1);
        data(
                (host, ttag) -> changed(host.h2cData(77, ttag, 0, new byte[512], false), 16, 4),
                TcpPdu.INVALID_HEADER_FIELD,
                16);
        data(
                (host, ttag) -> changed(host.h2cData(77, ttag, 0, new byte[512], false), 5, 0),
                TcpPdu.INVALID_HEADER_FIELD,
                4);
    }

    @Test
    void moreCommandsThanEntriesEndTheConnection() {
        io(
                0,
                host -> {
                    for (int i = 0; i < 33; i++) {
                        host.send(RawHost.command(NvmOpcode.WRITE, i, 1, 0, 0, 31), 16384);
                    }
                },
                TcpPdu.SEQUENCE_ERROR,
                0);
    }

    @Test
    void aHostMayEndAConnectionItself() {
        try (var host = new RawHost(node.target.address())) {
            host.initialize(0);
            var term = MemorySegment.ofArray(new byte[24 + 72]);
            TcpPdu.termination(term, 0, TcpPdu.H2C_TERM_REQ, TcpPdu.SEQUENCE_ERROR, 0, 72);
            host.write((byte[]) term.heapBase().orElseThrow());
            assertThat(host.read()).isNull();
        }
    }
}
