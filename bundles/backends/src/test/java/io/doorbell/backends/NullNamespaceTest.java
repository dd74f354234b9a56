package io.doorbell.backends;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.ResizableNamespaceContract;
import io.doorbell.storage.TestRequest;
import org.junit.jupiter.api.Test;

class NullNamespaceTest extends ResizableNamespaceContract {
    @Override
    protected Namespace make(BlockFormat format, long blockCount) {
        return new NullBackend().open(new NamespaceSpec("null", format.blockBytes() * blockCount, format, ""));
    }

    @Test
    void readsLeaveTheBufferAsItIs() {
        var buffer = pattern(512, 1);

        assertThat(run(session(512, 8), TestRequest.blocks(NvmOpcode.READ, 0, 1).with(buffer)))
                .isZero();

        assertThat(buffer).isEqualTo(pattern(512, 1));
    }

    @Test
    void findsEverythingEqual() {
        var session = session(512, 8);
        var compare = TestRequest.blocks(NvmOpcode.COMPARE, 0, 1).with(pattern(512, 1));

        assertThat(run(session, compare)).isZero();
        assertThat(runFused(
                        session,
                        compare,
                        TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(pattern(512, 2))))
                .isZero();
    }
}
