package io.doorbell.verbs;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The offsets that a C compiler gives the structures of rdma-core 44 on x86-64. */
class LayoutTest {
    private static void requireOffsets(StructLayout layout, long bytes, Map<String, Long> offsets) {
        assertThat(layout.byteSize()).isEqualTo(bytes);
        offsets.forEach((name, offset) ->
                assertThat(layout.byteOffset(groupElement(name))).as(name).isEqualTo(offset));
    }

    @Test
    void requestsAndCompletionsLieAsInLibibverbs() {
        requireOffsets(
                SendRequests.LAYOUT,
                128,
                Map.of(
                        "wr_id",
                        0L,
                        "next",
                        8L,
                        "sg_list",
                        16L,
                        "num_sge",
                        24L,
                        "opcode",
                        28L,
                        "send_flags",
                        32L,
                        "imm_data",
                        36L,
                        "remote_addr",
                        40L,
                        "rkey",
                        48L,
                        "bind_mw",
                        80L));
        requireOffsets(
                SendRequests.LAYOUT,
                128,
                Map.of("bind_rkey", 88L, "bind_mr", 96L, "bind_addr", 104L, "bind_length", 112L, "bind_access", 120L));
        requireOffsets(ReceiveRequests.LAYOUT, 32, Map.of("wr_id", 0L, "next", 8L, "sg_list", 16L, "num_sge", 24L));
        requireOffsets(WorkRequests.SEGMENT, 16, Map.of("addr", 0L, "length", 8L, "lkey", 12L));
        requireOffsets(
                Completions.LAYOUT,
                48,
                Map.of(
                        "wr_id",
                        0L,
                        "status",
                        8L,
                        "opcode",
                        12L,
                        "vendor_err",
                        16L,
                        "byte_len",
                        20L,
                        "imm_data",
                        24L,
                        "qp_num",
                        28L,
                        "src_qp",
                        32L,
                        "wc_flags",
                        36L));
    }

    @Test
    void aListOfRequestsLeadsFromOneToTheNext() {
        try (var requests = new SendRequests(2, 2)) {
            requests.write(7, 0, 0x1234, 0x55);
            requests.segment(100, 10, 1);
            requests.segment(200, 20, 2);
            requests.sendInvalidate(8, SendRequests.SIGNALED, 0x66);

            var memory = requests.first();
            assertThat(memory.get(ValueLayout.JAVA_LONG, 8)).isEqualTo(memory.address() + 128);
            assertThat(memory.get(ValueLayout.JAVA_LONG, 128 + 8)).isZero();
            assertThat(memory.get(ValueLayout.JAVA_LONG, 16)).isEqualTo(memory.address() + 256);
            assertThat(requests.segmentCount(0)).isEqualTo(2);
            assertThat(requests.segmentAddress(0, 1)).isEqualTo(200);
            assertThat(requests.segmentBytes(0, 1)).isEqualTo(20);
            assertThat(requests.segmentKey(0, 1)).isEqualTo(2);
            assertThat(requests.segmentCount(1)).isZero();
            assertThat(requests.immediateOrKey(1)).isEqualTo(0x66);
            assertThat(requests.isFull()).isTrue();
            assertThatThrownBy(() -> requests.send(9, 0)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void immediateDataLieInNetworkOrder() {
        try (var requests = new SendRequests(1, 1);
                var completions = new Completions(1)) {
            requests.sendImmediate(1, 0, 0x01020304);
            completions.set(0, 1, 0, Completions.RECEIVE, 0, Completions.WITH_IMMEDIATE, 0x01020304, 5);

            assertThat(requests.first().get(ValueLayout.JAVA_BYTE, 36)).isEqualTo((byte) 1);
            assertThat(requests.immediateOrKey(0)).isEqualTo(0x01020304);
            assertThat(completions.memory().get(ValueLayout.JAVA_BYTE, 24)).isEqualTo((byte) 1);
            assertThat(completions.immediate(0)).isEqualTo(0x01020304);
        }
    }
}
