package io.doorbell.backends;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.HandReactor;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.ResizableNamespaceContract;
import io.doorbell.storage.TestRequest;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

class MemoryNamespaceTest extends ResizableNamespaceContract {
    @Override
    protected Namespace make(BlockFormat format, long blockCount) {
        return new MemoryBackend().open(new NamespaceSpec("memory", format.blockBytes() * blockCount, format, ""));
    }

    @Test
    void smallNamespacesHaveTheirMemoryAndLargeOnesGiveItBack() {
        var backend = new MemoryBackend(1 << 20);
        try (var small = backend.open(NamespaceSpec.parse("memory:1MiB:512"));
                var large = backend.open(NamespaceSpec.parse("memory:1025KiB:512"))) {
            assertThat(small.shape().deallocates()).isFalse();
            assertThat(large.shape().deallocates()).isTrue();
        }
    }

    @Test
    void holdsATerabyteInWhatIsWritten() {
        long blocks = (1L << 40) / 4096;
        var session = session(4096, blocks);

        write(session, blocks - 1, pattern(4096, 1), 4096);

        assertThat(read(session, blocks - 1, 1, 4096)).isEqualTo(pattern(4096, 1));
        assertThat(read(session, blocks / 2, 1, 4096)).containsOnly(0);
    }

    @Test
    void refusesWhatIsLargerThanAMappingCanBe() {
        assertThatThrownBy(() -> namespace(4096, (1L << 40) / 4096 + 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1 TiB");
    }

    @Test
    void answersReadAndWriteAtOnce() {
        var session = session(512, 8);

        assertThat(session.submit(TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(new byte[512])))
                .isZero();
        assertThat(session.submit(TestRequest.blocks(NvmOpcode.READ, 0, 1).with(new byte[512])))
                .isZero();
    }

    @Test
    void keepsWhatComesWhileAnotherSessionHoldsTheGate() {
        var namespace = namespace(512, 8);
        var here = session(namespace);
        var otherReactor = HandReactor.byHand("other");
        var other = namespace.open(otherReactor);
        var fusedWrite = TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(pattern(512, 1));

        int fused = here.submitFused(TestRequest.blocks(NvmOpcode.COMPARE, 0, 1).with(new byte[512]), fusedWrite);
        otherReactor.cycle(); // It stands still from now on.
        var read = new byte[512];
        var late = TestRequest.blocks(NvmOpcode.READ, 0, 1).with(read);
        int held = other.submit(late);
        int before = other.poll(0);
        here.poll(0);
        int after = other.poll(0);

        assertThat(fused).isEqualTo(NvmRequest.PENDING);
        assertThat(held).isEqualTo(NvmRequest.PENDING);
        assertThat(before).isZero();
        assertThat(fusedWrite.status()).isZero();
        assertThat(after).isEqualTo(1);
        assertThat(late.status()).isZero();
        assertThat(read).isEqualTo(pattern(512, 1));
        assertThat(otherReactor.wakes()).isPositive();
        assertThat(other.submit(TestRequest.blocks(NvmOpcode.READ, 0, 1).with(read)))
                .as("moves again")
                .isZero();
        other.close();
    }

    @Test
    void aSessionThatClosesLetsAFusedPairThrough() {
        var namespace = namespace(512, 8);
        var here = session(namespace);
        var other = namespace.open(HandReactor.byHand("other"));
        var write = TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(pattern(512, 1));
        here.submitFused(TestRequest.blocks(NvmOpcode.COMPARE, 0, 1).with(new byte[512]), write);
        assertThat(here.poll(0)).isZero();

        other.close();

        assertThat(here.poll(0)).isEqualTo(1);
        assertThat(write.status()).isZero();
    }

    @Test
    void aHolderThatClosesFreesTheGate() {
        var namespace = namespace(512, 8);
        var otherReactor = HandReactor.byHand("other");
        var holder = namespace.open(HandReactor.byHand("holder"));
        var other = namespace.open(otherReactor);
        holder.submitFused(
                TestRequest.blocks(NvmOpcode.COMPARE, 0, 1).with(new byte[512]),
                TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(new byte[512]));
        otherReactor.cycle();
        var late = TestRequest.blocks(NvmOpcode.FLUSH, 0, 1);
        assertThat(other.submit(late)).isEqualTo(NvmRequest.PENDING);

        holder.close();

        assertThat(other.poll(0)).isEqualTo(1);
        assertThat(late.status()).isZero();
        other.close();
    }

    @Test
    void aSessionOfAnEndedThreadStopsNobody() throws InterruptedException {
        var namespace = namespace(512, 8);
        var ended = Thread.ofPlatform().start(() -> namespace.open(HandReactor.byHand("ended")));
        ended.join();
        var write = TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(pattern(512, 1));

        int status = runFused(
                session(namespace), TestRequest.blocks(NvmOpcode.COMPARE, 0, 1).with(new byte[512]), write);

        assertThat(status).isZero();
    }

    @Test
    void hostMemoryThatIsGoneIsATransferError() {
        var session = session(512, 8);
        var request = TestRequest.blocks(NvmOpcode.WRITE, 0, 1);
        try (var arena = Arena.ofShared()) {
            request.addPiece(arena.allocate(512), 0, 512);
        }

        assertThat(session.submit(request)).isEqualTo(Status.DATA_TRANSFER_ERROR);
    }
}
