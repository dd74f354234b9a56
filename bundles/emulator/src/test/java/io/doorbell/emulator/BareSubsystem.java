package io.doorbell.emulator;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.CommandPath;
import io.doorbell.target.ControllerEvents;
import io.doorbell.target.ControllerSetup;
import io.doorbell.target.HostIdentity;
import io.doorbell.target.TargetController;
import io.doorbell.target.TargetSubsystem;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * The least a controller model can be, so that tests of the emulator can make a namespace do what they need: be slow, keep requests,
 * throw. It has one namespace, of 512-byte blocks, in memory or of nothing. What is real is tested with the subsystem bundle.
 */
final class BareSubsystem implements TargetSubsystem {
    static final int BLOCK_BYTES = 512;

    private final MemorySegment blocks;
    private final boolean nothing;

    /** Every I/O command stays pending until {@link #finish} while this is set. */
    volatile boolean keepPending;

    /** Thrown by the next I/O command. */
    volatile RuntimeException toThrow;

    final Queue<NvmRequest> pending = new ArrayDeque<>();
    final List<Integer> errors = new ArrayList<>();
    final List<String> asyncEvents = new ArrayList<>();
    volatile Model model;

    BareSubsystem(int blockCount) {
        nothing = blockCount == 0;
        blocks = Arena.ofAuto().allocate(Math.max(1, blockCount) * (long) BLOCK_BYTES);
    }

    MemorySegment blocks() {
        return blocks;
    }

    @Override
    public String nqn() {
        return "nqn.2026-01.io.doorbell:bare";
    }

    @Override
    public String serial() {
        return "1";
    }

    @Override
    public String model() {
        return "bare";
    }

    @Override
    public List<AllocatedNamespace> namespaces() {
        return List.of();
    }

    @Override
    public TargetController createController(ControllerSetup setup, HostIdentity host, ControllerEvents events) {
        model = new Model(setup, events);
        return model;
    }

    final class Model implements TargetController {
        private final ControllerSetup setup;
        private final ControllerEvents events;
        private volatile int cc;
        private volatile int csts;
        private final List<NvmRequest> asyncEventRequests = new ArrayList<>();

        Model(ControllerSetup setup, ControllerEvents events) {
            this.setup = setup;
            this.events = events;
        }

        @Override
        public int controllerId() {
            return 1;
        }

        @Override
        public TargetSubsystem subsystem() {
            return BareSubsystem.this;
        }

        @Override
        public ControllerCapabilities capabilities() {
            return ControllerCapabilities.NONE
                    .withMaxQueueEntries(setup.maxQueueEntries())
                    .withCqr(true)
                    .withTimeoutMillis(10_000)
                    .withDstrd(setup.doorbellStride())
                    .withCss(ControllerCapabilities.CSS_NVM);
        }

        @Override
        public int version() {
            return 0x0002_0100;
        }

        @Override
        public int readyTimeouts() {
            return 0x0014_0014;
        }

        @Override
        public int configuration() {
            return cc;
        }

        @Override
        public void configure(int value) {
            var old = new ControllerConfiguration(cc);
            var wanted = new ControllerConfiguration(value);
            cc = value;
            if (!old.en() && wanted.en()) {
                events.enabled();
            } else if (old.en() && !wanted.en()) {
                events.reset();
            } else if (wanted.shn() != 0 && old.shn() == 0) {
                csts = new ControllerStatus(csts).withShst(1).raw();
                events.shutdown();
            }
        }

        @Override
        public int status() {
            return csts;
        }

        @Override
        public void ready() {
            csts = new ControllerStatus(csts).withRdy(true).raw();
        }

        @Override
        public void disabled() {
            csts = 0;
            asyncEventRequests.clear();
        }

        @Override
        public void shutdownComplete() {
            csts = new ControllerStatus(csts).withShst(2).raw();
        }

        @Override
        public void fatal(String reason) {
            csts = new ControllerStatus(csts).withCfs(true).raw();
        }

        @Override
        public int grantedIoQueuePairs() {
            return setup.maxIoQueuePairs();
        }

        @Override
        public CommandPath adminPath() {
            return new AdminPath(this);
        }

        @Override
        public boolean abort(NvmRequest request) {
            return asyncEventRequests.remove(request);
        }

        @Override
        public CommandPath openIoPath(Reactor reactor) {
            return nothing ? new NullPath() : new MemoryPath();
        }

        @Override
        public void error(int sqid, int cid, int status, long lba, int nsid) {
            errors.add(status);
        }

        @Override
        public void event(int type, int information, int logPage) {
            asyncEvents.add(type + "/" + information);
            if (!asyncEventRequests.isEmpty()) {
                var request = asyncEventRequests.removeFirst();
                request.result = type | information << 8 | logPage << 16;
                request.complete(Status.SUCCESS);
            }
        }

        @Override
        public void tick(long nowNanos) {}

        @Override
        public void hostActivity(long nowNanos) {}

        @Override
        public void close() {}
    }

    /** Identify is a page of the number of its CNS. */
    private static final class AdminPath implements CommandPath {
        private final Model model;

        AdminPath(Model model) {
            this.model = model;
        }

        @Override
        public int admit(NvmRequest request) {
            if (request.opc == AdminOpcode.IDENTIFY) {
                request.dataBytes = 4096;
                request.dataToHost = true;
            }
            return Status.SUCCESS;
        }

        @Override
        public int execute(NvmRequest request) {
            switch (request.opc) {
                case AdminOpcode.IDENTIFY -> {
                    var page = new byte[4096];
                    java.util.Arrays.fill(page, (byte) request.cdw10);
                    request.copyToHost(0, MemorySegment.ofArray(page), 0, page.length);
                    return Status.SUCCESS;
                }
                case AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST -> {
                    model.asyncEventRequests.add(request);
                    return NvmRequest.PENDING;
                }
                default -> {
                    return Status.INVALID_OPCODE;
                }
            }
        }

        @Override
        public int executeFused(NvmRequest compare, NvmRequest write) {
            return Status.INVALID_FIELD;
        }

        @Override
        public int poll(long nowNanos) {
            return 0;
        }

        @Override
        public void close() {}
    }

    /** Executes nothing: what is left is the emulator's own cost. */
    private static final class NullPath implements CommandPath {
        @Override
        public int admit(NvmRequest request) {
            request.dataBytes = ((request.cdw12 & 0xFFFF) + 1) * BLOCK_BYTES;
            request.dataToHost = request.opc == NvmOpcode.READ;
            return Status.SUCCESS;
        }

        @Override
        public int execute(NvmRequest request) {
            return Status.SUCCESS;
        }

        @Override
        public int executeFused(NvmRequest compare, NvmRequest write) {
            return Status.SUCCESS;
        }

        @Override
        public int poll(long nowNanos) {
            return 0;
        }

        @Override
        public void close() {}
    }

    /** Ends what has been kept, as a namespace would from its poll. Call on the reactor. */
    int finish() {
        int ended = 0;
        for (var request = pending.poll(); request != null; request = pending.poll()) {
            request.complete(Status.SUCCESS);
            ended++;
        }
        return ended;
    }

    private final class MemoryPath implements CommandPath {
        @Override
        public int admit(NvmRequest request) {
            request.slba = Integer.toUnsignedLong(request.cdw10) | (long) request.cdw11 << 32;
            request.blockCount = (request.cdw12 & 0xFFFF) + 1;
            switch (request.opc) {
                case NvmOpcode.FLUSH -> request.blockCount = 0;
                case NvmOpcode.READ, NvmOpcode.WRITE, NvmOpcode.COMPARE -> {
                    long blockCount = blocks.byteSize() / BLOCK_BYTES;
                    if (request.slba < 0 || request.slba > blockCount - request.blockCount) {
                        return Status.LBA_OUT_OF_RANGE;
                    }
                    request.dataBytes = request.blockCount * BLOCK_BYTES;
                    request.dataToHost = request.opc == NvmOpcode.READ;
                }
                default -> {
                    return Status.INVALID_OPCODE;
                }
            }
            return request.nsid == 1 ? Status.SUCCESS : Status.INVALID_NAMESPACE_OR_FORMAT;
        }

        @Override
        public int execute(NvmRequest request) {
            var failure = toThrow;
            if (failure != null) {
                toThrow = null;
                throw failure;
            }
            if (keepPending) {
                pending.add(request);
                return NvmRequest.PENDING;
            }
            long offset = request.slba * BLOCK_BYTES;
            switch (request.opc) {
                case NvmOpcode.READ -> request.copyToHost(0, blocks, offset, request.dataBytes);
                case NvmOpcode.WRITE -> request.copyFromHost(0, blocks, offset, request.dataBytes);
                case NvmOpcode.COMPARE -> {
                    return equal(request) ? Status.SUCCESS : Status.COMPARE_FAILURE;
                }
                default -> {
                    // Flush.
                }
            }
            return Status.SUCCESS;
        }

        private boolean equal(NvmRequest request) {
            var theirs = new byte[request.dataBytes];
            request.copyFromHost(0, MemorySegment.ofArray(theirs), 0, theirs.length);
            var ours = blocks.asSlice(request.slba * BLOCK_BYTES, request.dataBytes)
                    .toArray(ValueLayout.JAVA_BYTE);
            return java.util.Arrays.equals(theirs, ours);
        }

        @Override
        public int executeFused(NvmRequest compare, NvmRequest write) {
            int status = execute(compare);
            return status == Status.SUCCESS ? execute(write) : status;
        }

        @Override
        public int poll(long nowNanos) {
            return keepPending ? 0 : finish();
        }

        @Override
        public void close() {
            pending.clear();
        }
    }
}
