package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BringUpTest {
    private final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    private final BareSubsystem subsystem = new BareSubsystem(4096);
    private EmulatedFunction function;
    private RawHost host;

    @BeforeEach
    void open() {
        function = EmulatedFunction.create(EmulatorSettings.of("nvme0"), subsystem, reactors);
        host = new RawHost(function, 4 << 20);
    }

    @AfterEach
    void close() {
        host.close();
        function.close();
        reactors.close();
    }

    @Test
    void becomesReadyAndAnswersIdentify() {
        host.enable();
        var page = host.pages(1);

        var completion = host.admin(AdminOpcode.IDENTIFY, 0, page.address(), 7, 0);

        assertThat(completion.status()).isEqualTo(Status.SUCCESS);
        assertThat(page.get(ValueLayout.JAVA_BYTE, 4095)).isEqualTo((byte) 7);
    }

    @Test
    void readsBackWhatWasWritten() {
        host.enable();
        var queue = host.createQueue(1, 16);
        var written = host.pages(1).fill((byte) 0x5A);
        var read = host.pages(1);

        assertThat(queue.io(NvmOpcode.WRITE, 10, 8, written.address(), 0).status())
                .isEqualTo(Status.SUCCESS);
        assertThat(queue.io(NvmOpcode.READ, 10, 8, read.address(), 0).status()).isEqualTo(Status.SUCCESS);

        assertThat(read.mismatch(written)).isEqualTo(-1);
        assertThat(host.deleteSubmissionQueue(1)).isEqualTo(Status.SUCCESS);
        assertThat(host.deleteCompletionQueue(1)).isEqualTo(Status.SUCCESS);
    }
}
