package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.host.ControllerListener;
import io.doorbell.host.NvmeController;
import io.doorbell.host.admin.AdminCommands;
import io.doorbell.host.admin.NamespaceManagement;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** An administrator at the driver of an emulated controller, and what the controller told meanwhile. */
final class AdminRig implements AutoCloseable {
    static final Duration BOUND = Duration.ofSeconds(60);
    static final long CREATABLE_BYTES = 4 << 20;

    final EmulatedRig device = new EmulatedRig();
    final PcieController controller;
    final AdminCommands admin;
    final NamespaceManagement namespaces;
    final List<AsyncEvent> events = new CopyOnWriteArrayList<>();

    AdminRig() {
        device.subsystem.allowNamespaceManagement(new MemoryBackend(), CREATABLE_BYTES);
        controller = PcieController.open(device.function, PcieOptions.DEFAULTS);
        controller.addListener(new ControllerListener() {
            @Override
            public void event(NvmeController ignored, AsyncEvent event, MemorySegment page) {
                events.add(event);
            }
        });
        admin = new AdminCommands(controller, BOUND);
        namespaces = new NamespaceManagement(admin);
    }

    /** The status an operation is refused with; it has to be the controller that refuses. */
    static int refusal(ThrowingCallable operation) {
        var refused = catchThrowableOfType(NvmeException.class, operation);
        assertThat(refused).as("refused").isNotNull();
        assertThat(refused.status()).as(refused.getMessage()).isPresent();
        assertThat(refused)
                .hasMessageContaining(Status.name(refused.status().get().raw()));
        return refused.status().get().code();
    }

    /** Bytes of a block, read through a queue pair. */
    byte[] read(int nsid, long slba, int bytes) {
        return transfer(nsid, slba, new byte[bytes], false);
    }

    void write(int nsid, long slba, byte[] block) {
        transfer(nsid, slba, block, true);
    }

    private byte[] transfer(int nsid, long slba, byte[] block, boolean write) {
        int status = tryTransfer(nsid, slba, block, write);
        assertThat(status).as(Status.name(status)).isZero();
        return block;
    }

    /** The status of one Read or Write. */
    int tryTransfer(int nsid, long slba, byte[] block, boolean write) {
        int[] ended = {-1};
        try (var held = new EmulatedRig.Held(controller, 16, 4096, (token, status, result) -> ended[0] = status)) {
            var data = held.data.segment().asSlice(0, block.length);
            int staged;
            if (write) {
                data.copyFrom(MemorySegment.ofArray(block));
                staged = held.pair.write(nsid, slba, 1, held.data, 0, 0, 1);
            } else {
                staged = held.pair.read(nsid, slba, 1, held.data, 0, 0, 1);
            }
            assertThat(staged).isNotNegative();
            held.pair.commit();
            held.pollUntil(() -> ended[0] >= 0);
            MemorySegment.ofArray(block).copyFrom(data);
        }
        return ended[0];
    }

    @Override
    public void close() {
        controller.close();
        device.close();
    }
}
