package io.doorbell.backends;

import io.doorbell.host.DmaMemory;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.QueuePair;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import io.doorbell.platform.MemoryView;
import io.doorbell.storage.Namespace;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A queue pair for the control plane: one command after another, each waited for. Owner: the thread that makes it. */
final class ControlPath implements AutoCloseable {
    private static final int ENTRIES = 4;
    private static final int STEP_BYTES = 64 << 10;
    private static final int MAX_BLOCKS = 0x8000;
    private static final long POLL_PAUSE_NANOS = 20_000;

    /** No command may take longer; the driver's own bound is less, mostly. */
    private static final long COMMAND_BOUND_NANOS = TimeUnit.SECONDS.toNanos(120);

    private final LeasedNamespace namespace;
    private final DeviceNamespace device;
    private final QueuePairLease lease;
    private final NvmCommand command = new NvmCommand();
    private int status = -1;

    /** @throws UncheckedIOException when there is no queue pair within the time that commands wait for one */
    ControlPath(LeasedNamespace namespace, String what) {
        this.namespace = namespace;
        Duration bound = namespace.options().pause();
        try {
            lease = namespace
                    .resources()
                    .lease(new LeaseRequest(
                            namespace.place().withoutNamespace(),
                            ENTRIES,
                            Thread.currentThread(),
                            (token, ended, result) -> status = ended,
                            LeaseListener.NONE,
                            bound,
                            what + " of namespace "
                                    + Integer.toUnsignedString(namespace.place().ns())));
        } catch (LeaseException refused) {
            throw new UncheckedIOException(new IOException(refused.getMessage(), refused));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UncheckedIOException(new InterruptedIOException("interrupted: " + what + " of " + namespace));
        }
        try {
            device = namespace.verified(lease.controller());
        } catch (NvmeException | IllegalStateException gone) {
            lease.close();
            throw new UncheckedIOException(new IOException(gone.getMessage(), gone));
        }
    }

    void flush() {
        require(run(command.reset(NvmOpcode.FLUSH, device.nsid()), null, 0), "Flush");
    }

    /** Reads every block, or has the device do so. */
    boolean scan(Namespace.Progress progress) {
        long blocks = namespace.shape().blockCount();
        int blockBytes = device.format().blockBytes();
        boolean verify = device.verifyBlocks() != 0;
        var data = verify ? null : lease.allocate(STEP_BYTES + STEP_BYTES / 512 * 64);
        int step = verify ? Math.min(device.verifyBlocks(), MAX_BLOCKS) : STEP_BYTES / blockBytes;
        int transferBlockBytes = device.format().storedBytes() - device.separateMetadataBytes();
        step = Math.min(step, verify ? step : Math.max(1, lease.queuePair().maxTransferBytes() / transferBlockBytes));
        for (long slba = 0; slba < blocks; slba += step) {
            int count = (int) Math.min(step, blocks - slba);
            command.reset(verify ? NvmOpcode.VERIFY : NvmOpcode.READ, device.nsid())
                    .slba(slba);
            command.cdw12 = count - 1;
            require(run(command, data, verify ? 0 : count * transferBlockBytes), "reading block " + slba);
            if (!progress.at((slba + count) * blockBytes, blocks * blockBytes)) {
                return false;
            }
        }
        return true;
    }

    private int run(NvmCommand entry, DmaMemory data, int bytes) {
        status = -1;
        var pair = lease.queuePair();
        try {
            int staged = separate(pair, entry, data, bytes);
            if (staged < 0) {
                return Status.ABORTED_BY_HOST;
            }
            pair.commit();
            long start = System.nanoTime();
            while (status < 0) {
                if (pair.poll(1) == 0) {
                    if (System.nanoTime() - start > COMMAND_BOUND_NANOS) {
                        return Status.ABORTED_BY_HOST;
                    }
                    LockSupport.parkNanos(POLL_PAUSE_NANOS);
                }
            }
            return status;
        } catch (IllegalStateException fenced) {
            MemoryView.forgetInterrupt();
            return Status.ABORTED_BY_HOST;
        }
    }

    private int separate(QueuePair pair, NvmCommand entry, DmaMemory data, int bytes) {
        int separate = device.separateMetadataBytes();
        if (data == null || separate == 0) {
            return pair.submit(entry, data, 0, bytes, 0);
        }
        int blocks = bytes / device.format().blockBytes();
        return pair.submit(entry, data, 0, bytes, data, STEP_BYTES, blocks * separate, 0);
    }

    private void require(int ended, String what) {
        if (ended != Status.SUCCESS) {
            throw new UncheckedIOException(
                    new IOException(what + " of " + namespace + " ended with " + Status.name(ended)));
        }
    }

    @Override
    public void close() {
        lease.close();
    }
}
