package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Layouts of NVMe over Fabrics against bytes written down by hand from the specification's tables. */
class FabricsLayoutTest {
    private static String hex(MemorySegment bytes, int from, int count) {
        return HexFormat.of().formatHex(bytes.asSlice(from, count).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
    }

    @Test
    void takesAConnectCommandOutOfItsDwords() {
        int cdw10 = FabricsCommand.connectDword10(0, 3);
        int cdw11 = FabricsCommand.connectDword11(127, FabricsCommand.CATTR_DISABLE_FLOW_CONTROL);

        assertThat(cdw10).isEqualTo(0x0003_0000);
        assertThat(cdw11).isEqualTo(0x0004_007F);
        assertThat(FabricsCommand.qid(cdw10)).isEqualTo(3);
        assertThat(FabricsCommand.sqsizeZeroBased(cdw11)).isEqualTo(127);
        assertThat(FabricsCommand.cattr(cdw11)).isEqualTo(4);
        assertThat(FabricsCommand.qid(0xFFFF_0000)).isEqualTo(65_535);
        assertThat(FabricsCommand.type(0xFFFF_FF04)).isEqualTo(FabricsCommand.PROPERTY_GET);
        assertThat(FabricsCommand.propertyBytes(0)).isEqualTo(4);
        assertThat(FabricsCommand.propertyBytes(1)).isEqualTo(8);
        assertThat(FabricsCommand.propertyBytes(2)).isZero();
        assertThat(FabricsCommand.invalidParameter(true, 256)).isEqualTo(0x1_0100);
        assertThat(FabricsCommand.invalidParameter(false, 44)).isEqualTo(44);
    }

    @Test
    void laysConnectDataOut() {
        var data = MemorySegment.ofArray(new byte[ConnectData.SIZE_BYTES]);

        ConnectData.HOSTID.set(data, new UUID(0x0102030405060708L, 0x090A0B0C0D0E0F10L));
        ConnectData.CNTLID.set(data, 0xFFFF);
        ConnectData.SUBNQN.set(data, "nqn.s");
        ConnectData.HOSTNQN.set(data, "nqn.h");

        assertThat(hex(data, 0, 20)).isEqualTo("0102030405060708090a0b0c0d0e0f10ffff0000");
        assertThat(hex(data, 256, 6)).isEqualTo("6e716e2e7300");
        assertThat(hex(data, 512, 6)).isEqualTo("6e716e2e6800");
        assertThat(ConnectData.isTerminated(ConnectData.HOSTNQN, data)).isTrue();
        data.asSlice(512, 256).fill((byte) 'x');
        assertThat(ConnectData.isTerminated(ConnectData.HOSTNQN, data)).isFalse();
    }

    @Test
    void laysADiscoveryEntryOut() {
        var page = MemorySegment.ofArray(new byte[2048]);

        DiscoveryLog.GENCTR.set(page, 7L);
        DiscoveryLog.NUMREC.set(page, 1L);
        DiscoveryLog.TRTYPE.set(page, 1024, DiscoveryLog.TRTYPE_TCP);
        DiscoveryLog.ADRFAM.set(page, 1024, DiscoveryLog.ADRFAM_IPV4);
        DiscoveryLog.SUBTYPE.set(page, 1024, DiscoveryLog.SUBTYPE_NVM);
        DiscoveryLog.TREQ.set(page, 1024, 6);
        DiscoveryLog.PORTID.set(page, 1024, 0x1234);
        DiscoveryLog.CNTLID.set(page, 1024, 0xFFFF);
        DiscoveryLog.ASQSZ.set(page, 1024, 32);
        DiscoveryLog.EFLAGS.set(page, 1024, 2);
        DiscoveryLog.TRSVCID.set(page, 1024, "4420");
        DiscoveryLog.SUBNQN.set(page, 1024, "nqn.s");
        DiscoveryLog.TRADDR.set(page, 1024, "10.0.0.1");

        assertThat(hex(page, 0, 18)).isEqualTo("070000000000000001000000000000000000");
        assertThat(hex(page, 1024, 12)).isEqualTo("030102063412ffff20000200");
        assertThat(hex(page, 1024 + 32, 5)).isEqualTo("3434323020");
        assertThat(hex(page, 1024 + 256, 6)).isEqualTo("6e716e2e7300");
        assertThat(hex(page, 1024 + 512, 9)).isEqualTo("31302e302e302e3120");
    }

    @Test
    void laysPdusOutAtAnyOffset() {
        var at = MemorySegment.ofArray(new byte[256]);

        TcpPdu.initialize(at, 3, TcpPdu.ICRESP, 0, 3, 0x20000);
        assertThat(hex(at, 3, 16)).isEqualTo("01008000800000000000000300000200");
        assertThat(TcpPdu.maximum(at, 3)).isEqualTo(0x20000);
        assertThat(TcpPdu.dgst(at, 3)).isEqualTo(3);

        TcpPdu.common(at, 5, TcpPdu.R2T, TcpPdu.HEADER_DIGEST, 24, 0, 28);
        TcpPdu.range(at, 5, 0xABCD, 0x1234, 0x1000, 0x2000);
        assertThat(hex(at, 5, 24)).isEqualTo("090118001c000000cdab3412001000000020000000000000");
        assertThat(TcpPdu.cccid(at, 5)).isEqualTo(0xABCD);
        assertThat(TcpPdu.ttag(at, 5)).isEqualTo(0x1234);
        assertThat(TcpPdu.datao(at, 5)).isEqualTo(0x1000);
        assertThat(TcpPdu.datal(at, 5)).isEqualTo(0x2000);

        TcpPdu.common(at, 1, TcpPdu.CAPSULE_RESP, 0, 24, 0, 24);
        TcpPdu.completion(at, 1, 0x1122, 5, 0xBEEF, Status.INVALID_FIELD | Status.DNR);
        assertThat(hex(at, 1, 24)).isEqualTo("050018001800000022110000000000000500" + "0000" + "efbe" + "0480");

        TcpPdu.termination(at, 7, TcpPdu.C2H_TERM_REQ, TcpPdu.SEQUENCE_ERROR, 4, 72);
        assertThat(hex(at, 7, 24)).isEqualTo("03001800600000000200040000000000" + "0000000000000000");
        assertThat(TcpPdu.plen(at, 7)).isEqualTo(96);
        assertThat(TcpPdu.fes(at, 7)).isEqualTo(2);
        assertThat(TcpPdu.fei(at, 7)).isEqualTo(4);
    }

    @Test
    void namesWhatItKnowsAndNumbersTheRest() {
        assertThat(FabricsStatus.name(FabricsStatus.CONNECT_INVALID_HOST | Status.DNR))
                .isEqualTo("Connect Invalid Host");
        assertThat(FabricsStatus.name(Status.INVALID_FIELD)).isEqualTo("Invalid Field in Command");
        assertThat(FabricsCommand.name(FabricsCommand.CONNECT)).isEqualTo("Connect");
        assertThat(TcpPdu.name(0x55)).isEqualTo("PDU type 55h");
        assertThat(TcpPdu.errorName(TcpPdu.LIMIT_EXCEEDED)).isEqualTo("Data Transfer Limit Exceeded");
    }
}
