package io.doorbell.fabrics;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.Version;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.CommandPath;
import io.doorbell.target.ControllerEvents;
import io.doorbell.target.HostIdentity;
import io.doorbell.target.TargetController;
import io.doorbell.target.TargetSubsystem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A discovery controller: Identify, the discovery log page, its change event, keep alive, and no I/O. NVMe Base 2.1 §3.1.3.3
 * "Discovery Controller".
 *
 * <p>Owner: the admin queue's reactor; {@link #changed}, {@link #status} and {@link #close} any thread.
 */
final class DiscoveryController implements TargetController, CommandPath {
    private static final int INVALID_FIELD = Status.INVALID_FIELD | Status.DNR;

    /** A host that set no keep alive timer and says nothing for this long has gone. */
    static final long SILENCE_BOUND_NANOS = TimeUnit.SECONDS.toNanos(120);

    private static final int MAX_EVENT_REQUESTS = 4;
    private static final int QUEUE_ENTRIES = 128;

    /** KAS is 1. */
    private static final int KEEP_ALIVE_UNIT_MILLIS = 100;

    private static final int MAX_KEEP_ALIVE_MILLIS = Integer.MAX_VALUE - KEEP_ALIVE_UNIT_MILLIS;

    private static final int READY_TIMEOUT_MILLIS = 1_000;
    private static final int MAX_TRANSFER_PAGES = 32;
    private static final int RETAIN_ASYNCHRONOUS_EVENT = 1 << 15;
    private static final int OFFSET_IS_INDEX = 1 << 23;

    private final DiscoverySubsystem subsystem;
    private final int controllerId;
    private final FabricListener listener;
    private final FabricConnection connection;
    private final HostIdentity host;
    private final ControllerEvents events;
    private final ArrayDeque<NvmRequest> requests = new ArrayDeque<>(MAX_EVENT_REQUESTS);

    private volatile int cc;
    private volatile int csts;
    private volatile boolean changed;

    /** The host was told and has not read the page since. */
    private boolean told;

    /** What the host was last told, and the generation that it was told with. */
    private List<DiscoverySubsystem.Entry> seen;

    private long seenGeneration;

    private int wantedEvents;
    private int keepAliveMillis;
    private long hostSeenNanos = System.nanoTime();

    DiscoveryController(
            DiscoverySubsystem subsystem,
            int controllerId,
            FabricListener listener,
            FabricConnection connection,
            HostIdentity host,
            ControllerEvents events) {
        this.subsystem = subsystem;
        this.controllerId = controllerId;
        this.listener = listener;
        this.connection = connection;
        this.host = host;
        this.events = events;
    }

    void changed() {
        changed = true;
        events.wake();
    }

    // Properties.

    @Override
    public int controllerId() {
        return controllerId;
    }

    @Override
    public TargetSubsystem subsystem() {
        return subsystem;
    }

    @Override
    public ControllerCapabilities capabilities() {
        return ControllerCapabilities.NONE
                .withMaxQueueEntries(QUEUE_ENTRIES)
                .withCqr(true)
                .withTimeoutMillis(READY_TIMEOUT_MILLIS)
                .withCss(ControllerCapabilities.CSS_NVM);
    }

    @Override
    public int version() {
        return Version.NVME_2_0.raw();
    }

    @Override
    public int readyTimeouts() {
        return READY_TIMEOUT_MILLIS / 500;
    }

    @Override
    public int configuration() {
        return cc;
    }

    @Override
    public void configure(int value) {
        var before = new ControllerConfiguration(cc);
        var wanted = new ControllerConfiguration(value);
        cc = value;
        if (!before.en() && wanted.en()) {
            csts = 0;
            if (wanted.mps() != 0 || wanted.ams() != 0 || wanted.css() != ControllerConfiguration.CSS_NVM) {
                String reason =
                        "CC " + wanted + " where a discovery controller has pages of 4096 bytes, and NVM commands";
                fatal(reason);
                events.refused(reason);
                return;
            }
            events.enabled();
        } else if (before.en() && !wanted.en()) {
            events.reset();
            return;
        }
        if (wanted.shn() != ControllerConfiguration.SHN_NONE && before.shn() == ControllerConfiguration.SHN_NONE) {
            events.shutdown();
        }
    }

    @Override
    public int status() {
        return csts;
    }

    @Override
    public void ready() {
        hostSeenNanos = System.nanoTime();
        csts = new ControllerStatus(csts).withRdy(true).raw();
    }

    @Override
    public void disabled() {
        csts = 0;
        requests.clear();
        wantedEvents = 0;
        keepAliveMillis = 0;
        told = false;
    }

    @Override
    public void shutdownComplete() {
        csts = new ControllerStatus(csts)
                .withShst(ControllerStatus.SHST_COMPLETE)
                .raw();
    }

    @Override
    public void fatal(String reason) {
        csts = new ControllerStatus(csts).withCfs(true).raw();
    }

    @Override
    public int grantedIoQueuePairs() {
        return 0;
    }

    @Override
    public CommandPath adminPath() {
        return this;
    }

    @Override
    public boolean abort(NvmRequest request) {
        return requests.remove(request);
    }

    @Override
    public CommandPath openIoPath(Reactor reactor) {
        throw new IllegalStateException("a discovery controller has no I/O queues");
    }

    @Override
    public void error(int sqid, int cid, int status, long lba, int nsid) {}

    @Override
    public void event(int type, int information, int logPage) {}

    @Override
    public void tick(long nowNanos) {
        long bound = keepAliveMillis == 0 ? SILENCE_BOUND_NANOS : keepAliveMillis * 1_000_000L;
        if (nowNanos - hostSeenNanos > bound) {
            fatal("silence");
            events.fatal("the host said nothing for " + bound / 1_000_000 + " ms");
        }
    }

    @Override
    public void hostActivity(long nowNanos) {
        hostSeenNanos = nowNanos;
    }

    // Commands.

    @Override
    public int admit(NvmRequest request) {
        request.result = 0;
        request.dataBytes = 0;
        request.dataToHost = false;
        switch (request.opc) {
            case AdminOpcode.IDENTIFY -> {
                request.dataToHost = true;
                request.dataBytes = IdentifyCns.DATA_BYTES;
            }
            case AdminOpcode.GET_LOG_PAGE -> {
                long bytes = ((request.cdw10 >>> 16 | (request.cdw11 & 0xFFFFL) << 16) + 1) * 4;
                if (bytes > Math.min(MAX_TRANSFER_PAGES, listener.maxTransferPages()) * 4096L) {
                    return INVALID_FIELD;
                }
                request.dataToHost = true;
                request.dataBytes = (int) bytes;
            }
            case AdminOpcode.GET_FEATURES,
                    AdminOpcode.SET_FEATURES,
                    AdminOpcode.KEEP_ALIVE,
                    AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST -> {}
            default -> {
                return Status.INVALID_OPCODE | Status.DNR;
            }
        }
        return Status.SUCCESS;
    }

    @Override
    public int execute(NvmRequest request) {
        return switch (request.opc) {
            case AdminOpcode.IDENTIFY -> identify(request);
            case AdminOpcode.GET_LOG_PAGE -> logPage(request);
            case AdminOpcode.GET_FEATURES -> getFeature(request);
            case AdminOpcode.SET_FEATURES -> setFeature(request);
            case AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST -> eventRequest(request);
            default -> Status.SUCCESS;
        };
    }

    @Override
    public int executeFused(NvmRequest compare, NvmRequest write) {
        return INVALID_FIELD;
    }

    private int identify(NvmRequest request) {
        if ((request.cdw10 & 0xFF) != IdentifyCns.CONTROLLER) {
            return INVALID_FIELD;
        }
        var page = MemorySegment.ofArray(new byte[IdentifyCns.DATA_BYTES]);
        IdentifyController.SN.set(page, subsystem.serial());
        IdentifyController.MN.set(page, subsystem.model());
        IdentifyController.FR.set(page, "");
        IdentifyController.MDTS.set(
                page, Integer.numberOfTrailingZeros(Math.min(MAX_TRANSFER_PAGES, listener.maxTransferPages())));
        IdentifyController.CNTLID.set(page, controllerId);
        IdentifyController.VER.set(page, version());
        IdentifyController.OAES.set(page, AsyncEvent.CONFIG_DISCOVERY_LOG_CHANGE_NOTICES);
        IdentifyController.CTRATT.set(page, IdentifyController.CTRATT_TRAFFIC_BASED_KEEP_ALIVE);
        IdentifyController.CNTRLTYPE.set(page, IdentifyController.CNTRLTYPE_DISCOVERY);
        IdentifyController.AERL.set(page, MAX_EVENT_REQUESTS - 1);
        IdentifyController.LPA.set(page, IdentifyController.LPA_EXTENDED_DATA);
        IdentifyController.KAS.set(page, 1);
        IdentifyController.MAXCMD.set(page, QUEUE_ENTRIES);
        IdentifyController.SGLS.set(page, listener.sgls() | IdentifyController.SGLS_OFFSET);
        IdentifyController.SUBNQN.set(page, subsystem.nqn());
        IdentifyController.IOCCSZ.set(page, 4);
        IdentifyController.IORCSZ.set(page, 1);
        IdentifyController.MSDBD.set(page, 1);
        request.copyToHost(0, page, 0, page.byteSize());
        return Status.SUCCESS;
    }

    private int logPage(NvmRequest request) {
        if ((request.cdw10 & 0xFF) != LogPageId.DISCOVERY) {
            return Status.INVALID_LOG_PAGE | Status.DNR;
        }
        long offset = Integer.toUnsignedLong(request.cdw12) | (long) request.cdw13 << 32;
        boolean retain = (request.cdw10 & RETAIN_ASYNCHRONOUS_EVENT) != 0;
        if (!retain) {
            // Before the page is made: what changes from here on is told again.
            told = false;
            changed = false;
        }
        var page = page();
        if (offset < 0 || offset > page.byteSize() || (offset & 3) != 0 || (request.cdw14 & OFFSET_IS_INDEX) != 0) {
            return INVALID_FIELD;
        }
        long there = Math.min(request.dataBytes, page.byteSize() - offset);
        request.copyToHost(0, page, offset, there);
        if (there < request.dataBytes) {
            var zeroes = MemorySegment.ofArray(new byte[(int) (request.dataBytes - there)]);
            request.copyToHost(there, zeroes, 0, zeroes.byteSize());
        }
        return Status.SUCCESS;
    }

    /**
     * Other entries never have the same generation, which is how a host that reads the page in parts knows that they belong together: not
     * even when the change is not announced yet.
     */
    private MemorySegment page() {
        long generation = subsystem.generation();
        var entries = subsystem.entries(listener, connection, host);
        if (seen != null && generation == seenGeneration && !entries.equals(seen)) {
            generation = subsystem.nextGeneration();
        }
        seen = entries;
        seenGeneration = generation;
        return DiscoverySubsystem.page(entries, generation);
    }

    private int getFeature(NvmRequest request) {
        switch (request.cdw10 & 0xFF) {
            case FeatureId.KEEP_ALIVE_TIMER -> request.result = keepAliveMillis;
            case FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION -> request.result = Integer.toUnsignedLong(wantedEvents);
            default -> {
                return INVALID_FIELD;
            }
        }
        return Status.SUCCESS;
    }

    private int setFeature(NvmRequest request) {
        switch (request.cdw10 & 0xFF) {
            case FeatureId.KEEP_ALIVE_TIMER -> {
                if (request.cdw11 < 0 || request.cdw11 > MAX_KEEP_ALIVE_MILLIS) {
                    return Status.KEEP_ALIVE_TIMEOUT_INVALID | Status.DNR; // 24 days and more.
                }
                keepAliveMillis = Math.ceilDiv(request.cdw11, KEEP_ALIVE_UNIT_MILLIS) * KEEP_ALIVE_UNIT_MILLIS;
                hostSeenNanos = System.nanoTime();
            }
            case FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION -> {
                if ((request.cdw11 & ~AsyncEvent.CONFIG_DISCOVERY_LOG_CHANGE_NOTICES) != 0) {
                    return INVALID_FIELD;
                }
                wantedEvents = request.cdw11;
                changed = false;
            }
            default -> {
                return INVALID_FIELD;
            }
        }
        return Status.SUCCESS;
    }

    private int eventRequest(NvmRequest request) {
        if (requests.size() == MAX_EVENT_REQUESTS) {
            return Status.ASYNC_EVENT_REQUEST_LIMIT_EXCEEDED | Status.DNR;
        }
        requests.add(request);
        return NvmRequest.PENDING;
    }

    @Override
    public int poll(long nowNanos) {
        if (!changed || told || requests.isEmpty() || wantedEvents == 0) {
            return 0;
        }
        changed = false;
        told = true;
        var request = requests.remove();
        request.result = Integer.toUnsignedLong(
                AsyncEvent.dw0(AsyncEvent.TYPE_NOTICE, AsyncEvent.NOTICE_DISCOVERY_LOG_CHANGE, LogPageId.DISCOVERY));
        request.complete(Status.SUCCESS);
        return 1;
    }

    /** Of the path when the admin queue goes, and of the controller when the association ends. */
    @Override
    public void close() {
        requests.clear();
        subsystem.closed(this);
    }
}
