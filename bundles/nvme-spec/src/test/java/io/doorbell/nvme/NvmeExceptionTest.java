package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.NvmeException.Kind;
import org.junit.jupiter.api.Test;

class NvmeExceptionTest {
    @Test
    void namesWhatWasAttemptedAndTheStatus() {
        var status = new Status(Status.INVALID_QUEUE_SIZE | Status.DNR);

        var failure = NvmeException.failed("nvme0: Create I/O Completion Queue, cid 7", status);

        assertThat(failure)
                .hasMessage("nvme0: Create I/O Completion Queue, cid 7: Invalid Queue Size (sct 1, sc 02h, DNR)");
        assertThat(failure.kind()).isEqualTo(Kind.GIVE_UP);
        assertThat(failure.status()).contains(status);
        assertThat(failure.attempted()).isEqualTo("nvme0: Create I/O Completion Queue, cid 7");
    }

    @Test
    void isWorthARetryUnlessTheControllerForbidsIt() {
        assertThat(NvmeException.failed("x", new Status(Status.NAMESPACE_NOT_READY))
                        .kind())
                .isEqualTo(Kind.RETRY);
    }

    @Test
    void hasNoStatusWhereNoCompletionCame() {
        var cause = new IllegalStateException("gone");

        var failure = new NvmeException(Kind.RESET, "nvme0: Identify", "no completion within 5 s", cause);

        assertThat(failure)
                .hasMessage("nvme0: Identify: no completion within 5 s")
                .hasCause(cause);
        assertThat(failure.status()).isEmpty();
        assertThat(failure.kind()).isEqualTo(Kind.RESET);
    }
}
