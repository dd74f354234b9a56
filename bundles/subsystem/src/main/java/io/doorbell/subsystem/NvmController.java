package io.doorbell.subsystem;

import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.SmartLog;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.Version;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.AccessStates;
import io.doorbell.target.CommandPath;
import io.doorbell.target.ControllerEvents;
import io.doorbell.target.ControllerSetup;
import io.doorbell.target.HostIdentity;
import io.doorbell.target.IoUsage;
import io.doorbell.target.TargetController;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A controller: its properties and its state. NVMe Base 2.1 §3.1.4 "Controller Properties", §3.5 "Controller
 * Initialization", §3.6 "Shutdown Processing". Admin commands are in {@link AdminPath}, I/O in {@link IoPath}.
 *
 * <p>The transport calls it from one thread at a time; events, namespaces and the end of a shutdown come from others.
 */
final class NvmController implements TargetController {
    private static final Logger LOG = LoggerFactory.getLogger(NvmController.class);

    /** CAP.TO: a namespace in a file may have to be flushed. */
    private static final int READY_TIMEOUT_MILLIS = 10_000;

    /** Traffic of an I/O queue is reported with its next tick, which may come after the one that looks. */
    static final long KEEP_ALIVE_SLACK_NANOS = 200_000_000;

    private static final Version VERSION = Version.NVME_2_0;
    private static final int IOSQES = 6;
    private static final int IOCQES = 4;

    private final NvmSubsystem subsystem;
    private final int controllerId;
    private final ControllerSetup setup;
    private final ControllerEvents transport;
    private final ControllerCapabilities capabilities;
    private final AsyncEvents asyncEvents;
    private final ErrorLog errors = new ErrorLog();
    private final ControllerAccess access = new ControllerAccess();
    private final AdminPath adminPath;

    /** By namespace identifier less one; replaced whole, so that a path sees a change by comparing references. */
    private volatile SubsystemNamespace[] attached = new SubsystemNamespace[0];

    private volatile int cc;
    private volatile int csts;
    /** Who the host is to reservations; written under the lock. */
    private volatile HostId host;

    private final HostIdentity identity;
    private final ReservationNotices reservationNotices = new ReservationNotices();

    // Guarded by this.
    private final Features features;
    private final TreeSet<Integer> changed = new TreeSet<>();
    private final List<IoPath> paths = new ArrayList<>();
    private final UsageLedger endedPaths = new UsageLedger();
    /** Busy time of the paths of before, and of the busiest that has ended of those of now. */
    private long busyBeforeNanos;

    private long busiestNanos;
    /** Which shutdown is running: one that was overtaken by a reset must not end the next. */
    private int shutdowns;

    private boolean closed;

    /** CSTS.NSSRO. Until the next enabling, and not until the host clears it: no host is known that does. */
    private boolean subsystemWasReset;

    private boolean hostSeen;
    private long hostSeenNanos;

    NvmController(
            NvmSubsystem subsystem,
            int controllerId,
            ControllerSetup setup,
            HostIdentity identity,
            ControllerEvents transport) {
        this.identity = identity;
        this.host = HostId.of(identity);
        this.subsystem = subsystem;
        this.controllerId = controllerId;
        this.setup = setup;
        this.transport = transport;
        features = new Features(setup, identity, subsystem::hasVolatileCache, subsystem.clock());
        asyncEvents = new AsyncEvents(transport::wake);
        capabilities = ControllerCapabilities.NONE
                .withMaxQueueEntries(setup.maxQueueEntries())
                .withCqr(true)
                .withTimeoutMillis(READY_TIMEOUT_MILLIS)
                .withDstrd(setup.doorbellStride())
                .withCss(ControllerCapabilities.CSS_NVM | ControllerCapabilities.CSS_IO_COMMAND_SETS)
                .withNssrs(setup.pci())
                .withCrwms(true);
        adminPath = new AdminPath(this);
    }

    @Override
    public int controllerId() {
        return controllerId;
    }

    @Override
    public NvmSubsystem subsystem() {
        return subsystem;
    }

    ControllerSetup setup() {
        return setup;
    }

    @Override
    public ControllerCapabilities capabilities() {
        return capabilities;
    }

    @Override
    public int version() {
        return VERSION.raw();
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
    public int status() {
        return csts;
    }

    @Override
    public void configure(int value) {
        var wanted = new ControllerConfiguration(value);
        boolean enable = false;
        boolean reset = false;
        boolean shutdown;
        String problem = null;
        synchronized (this) {
            var before = new ControllerConfiguration(cc);
            if (before.en() && wanted.en()) {
                // Only while disabled may the others change. NVMe Base 2.1 §3.1.4.5 "Offset 14h: CC".
                wanted = wanted.withAms(before.ams())
                        .withMps(before.mps())
                        .withCss(before.css())
                        .withCrime(before.crime());
            }
            enable = !before.en() && wanted.en();
            reset = before.en() && !wanted.en();
            shutdown = !reset
                    && wanted.shn() != ControllerConfiguration.SHN_NONE
                    && before.shn() == ControllerConfiguration.SHN_NONE;
            cc = wanted.raw();
            if (enable) {
                var status = ControllerStatus.NOT_READY;
                subsystemWasReset = false;
                problem = problem(wanted);
                csts = status.withCfs(problem != null).raw();
            }
            if (shutdown) {
                shutdowns++;
                csts = new ControllerStatus(csts)
                        .withShst(ControllerStatus.SHST_OCCURRING)
                        .raw();
            }
        }
        if (problem != null) {
            LOG.error("{} cannot be enabled: {}", this, problem);
            transport.refused(problem);
        } else if (enable) {
            transport.enabled();
        } else if (reset) {
            transport.reset();
        }
        if (shutdown) {
            transport.shutdown();
        }
    }

    private static String problem(ControllerConfiguration wanted) {
        if (wanted.mps() != 0) {
            return "CC.MPS " + wanted.mps() + " where CAP allows only 0, pages of 4096 bytes";
        }
        if (wanted.css() != ControllerConfiguration.CSS_NVM
                && wanted.css() != ControllerConfiguration.CSS_IO_COMMAND_SETS) {
            return "CC.CSS " + wanted.css() + " where CAP has 0 (NVM) and 6 (all command sets)";
        }
        if (wanted.ams() != 0) {
            return "CC.AMS " + wanted.ams() + " where CAP has round robin only";
        }
        // A host may leave these zero until it makes I/O queues.
        if ((wanted.iosqes() != 0 && wanted.iosqes() != IOSQES)
                || (wanted.iocqes() != 0 && wanted.iocqes() != IOCQES)) {
            return "CC.IOSQES " + wanted.iosqes() + " and CC.IOCQES " + wanted.iocqes()
                    + " where entries have 64 and 16 bytes";
        }
        if (wanted.crime()) {
            return "CC.CRIME where CAP.CRMS does not offer it";
        }
        return null;
    }

    @Override
    public void resetSubsystem() {
        if (capabilities.nssrs()) {
            subsystem.reset();
        }
    }

    /** Any thread: the transport resets the controller when it gets to it. */
    void subsystemReset() {
        synchronized (this) {
            subsystemWasReset = true;
        }
        transport.subsystemReset();
    }

    @Override
    public synchronized void ready() {
        if (new ControllerConfiguration(cc).en()) {
            hostSeen = true;
            csts = new ControllerStatus(csts).withRdy(true).raw();
        }
    }

    @Override
    public synchronized void disabled() {
        shutdowns++;
        csts = ControllerStatus.NOT_READY.withNssro(subsystemWasReset).raw();
        adminPath.close();
        asyncEvents.reset();
        changed.clear();
        features.reset();
        subsystem.firmware().reset();
        subsystem.selfTests().reset(this);
        reservationNotices.reset();
        if (!identity.hasId()) {
            // Whoever comes after the reset may be somebody else.
            become(HostId.unnamedHost());
        }
    }

    /** Empty where the transport does not know it. */
    String hostNqn() {
        return identity.nqn();
    }

    /** Under which name it is counted what the host does. */
    String countedAs() {
        return setup.pci() ? identity.nqn() : identity.shown();
    }

    /** A namespace that the subsystem has and this host may see, or null. */
    SubsystemNamespace allocated(int nsid) {
        return subsystem.shows(nsid, hostNqn()) ? subsystem.namespace(nsid) : null;
    }

    int[] allocatedAfter(int nsid) {
        return Arrays.stream(subsystem.allocatedAfter(nsid))
                .filter(id -> subsystem.shows(id, hostNqn()))
                .toArray();
    }

    /** The host may not be here any more. */
    void refuseHost() {
        String reason = "host " + hostNqn() + " is not allowed any more";
        fatal(reason);
        transport.fatal(reason);
    }

    /** Who sends the commands. */
    HostId host() {
        return host;
    }

    private void become(HostId other) {
        var before = host;
        host = other;
        for (var path : paths) {
            path.rulesChanged();
        }
        if (!before.isNamed()) {
            // Not under this lock: the subsystem's comes first.
            Thread.ofVirtual().name("forget a host").start(() -> subsystem.forget(before));
        }
    }

    ReservationNotices reservationNotices() {
        return reservationNotices;
    }

    /** Something happened to the reservations of a namespace that this host is to know. */
    void reservationNotice(int nsid, int type) {
        if (reservationNotices.add(nsid, type)) {
            reservationLogAvailable();
        }
    }

    void reservationLogAvailable() {
        event(
                AsyncEvent.TYPE_COMMAND_SET,
                AsyncEvent.COMMAND_SET_RESERVATION_LOG_AVAILABLE,
                LogPageId.RESERVATION_NOTIFICATION);
    }

    @Override
    public void shutdownComplete() {
        int which;
        synchronized (this) {
            if (new ControllerStatus(csts).shst() != ControllerStatus.SHST_OCCURRING) {
                return;
            }
            which = shutdowns;
        }
        if (subsystem.hasVolatileCache()) {
            // The host waits in CSTS.SHST for what it wrote to be durable; the transport's thread must not.
            Thread.ofVirtual().name("shutdown " + setup.name()).start(() -> {
                subsystem.flush();
                shutDown(which);
            });
        } else {
            shutDown(which);
        }
    }

    private synchronized void shutDown(int which) {
        if (which == shutdowns) {
            csts = new ControllerStatus(csts)
                    .withShst(ControllerStatus.SHST_COMPLETE)
                    .raw();
        }
    }

    @Override
    public synchronized void fatal(String reason) {
        LOG.error("{} fails: {}", this, reason);
        csts = new ControllerStatus(csts).withCfs(true).raw();
    }

    @Override
    public synchronized int grantedIoQueuePairs() {
        return features.grantedIoQueuePairs();
    }

    @Override
    public CommandPath adminPath() {
        return adminPath;
    }

    @Override
    public boolean abort(NvmRequest request) {
        return asyncEvents.abort(request);
    }

    @Override
    public CommandPath openIoPath(Reactor reactor) {
        var path = new IoPath(this, reactor, setup.maxTransferBytes());
        synchronized (this) {
            paths.add(path);
        }
        // For a change that came after the path had looked and before it was known here.
        reactor.wake();
        return path;
    }

    synchronized void closed(IoPath path) {
        if (paths.remove(path)) {
            endedPaths.add(path.usage());
            busiestNanos = Math.max(busiestNanos, path.busyNanos());
            if (paths.isEmpty()) {
                busyBeforeNanos += busiestNanos;
                busiestNanos = 0;
            }
        }
    }

    @Override
    public void error(int sqid, int cid, int status, long lba, int nsid) {
        errors.add(sqid, cid, status, lba, nsid);
    }

    @Override
    public void event(int type, int information, int logPage) {
        boolean wanted;
        synchronized (this) {
            wanted = switch (type) {
                case AsyncEvent.TYPE_SMART -> features.wants(1 << information);
                case AsyncEvent.TYPE_NOTICE -> features.wants(1 << 8 + information);
                default -> true;
            };
        }
        if (wanted) {
            asyncEvents.raise(AsyncEvent.of(type, information, logPage));
        }
    }

    /** Whether hosts are told of ANA groups: a host on PCI has no other way. */
    boolean reportsAccess() {
        return !setup.pci();
    }

    ControllerAccess access() {
        return access;
    }

    @Override
    public void accessStates(AccessStates states) {
        synchronized (this) {
            long groups = access.change(states);
            if (groups == 0) {
                return;
            }
            paths.forEach(IoPath::rulesChanged);
            boolean concerned = Arrays.stream(attached)
                    .anyMatch(namespace -> namespace != null && (groups >> namespace.group() & 1) != 0);
            if (!concerned) {
                return;
            }
        }
        tellOfAccess();
    }

    /** A namespace has gone from one group to another. */
    void regrouped(SubsystemNamespace namespace, int from) {
        synchronized (this) {
            access.moved(from, namespace.group());
            if (!isAttached(namespace)) {
                return;
            }
            paths.forEach(IoPath::rulesChanged);
        }
        refresh(namespace, true);
        tellOfAccess();
    }

    /** What paths look up when they are told to: limits, say. */
    synchronized void rulesChanged() {
        paths.forEach(IoPath::rulesChanged);
    }

    private void tellOfAccess() {
        if (reportsAccess()) {
            event(AsyncEvent.TYPE_NOTICE, AsyncEvent.NOTICE_ANA_CHANGE, LogPageId.ASYMMETRIC_NAMESPACE_ACCESS);
        }
    }

    /** The ANA log page. */
    synchronized void accessLog(MemorySegment page, boolean groupsOnly) {
        access.writeTo(page, attached, groupsOnly);
    }

    @Override
    public void tick(long nowNanos) {
        boolean expired;
        synchronized (this) {
            if (hostSeen) {
                hostSeen = false;
                hostSeenNanos = nowNanos;
            }
            var status = new ControllerStatus(csts);
            long timeoutNanos = features.keepAliveMillis() * 1_000_000L;
            expired = timeoutNanos > 0
                    && status.rdy()
                    && !status.cfs()
                    && nowNanos - hostSeenNanos > timeoutNanos + KEEP_ALIVE_SLACK_NANOS;
        }
        if (expired) {
            String reason = "the host did not show itself for its keep alive timeout of " + keepAliveMillis() + " ms";
            errors.add(0xFFFF, 0xFFFF, Status.KEEP_ALIVE_TIMER_EXPIRED, 0, 0);
            fatal(reason);
            transport.fatal(reason);
        }
    }

    private synchronized int keepAliveMillis() {
        return features.keepAliveMillis();
    }

    @Override
    public synchronized void hostActivity(long nowNanos) {
        hostSeenNanos = nowNanos;
    }

    /** The host sent Keep Alive, or set its timer: counts from the next tick on. */
    synchronized void hostSeen() {
        hostSeen = true;
    }

    synchronized int features(NvmRequest request, boolean set) {
        if (!set) {
            return features.get(request);
        }
        int status = features.set(request);
        if (status == Status.SUCCESS) {
            int fid = request.cdw10 & 0xFF;
            if (fid == FeatureId.KEEP_ALIVE_TIMER) {
                hostSeen = true;
            } else if (fid == FeatureId.HOST_IDENTIFIER) {
                become(features.hostId());
            } else if (fid == FeatureId.TEMPERATURE_THRESHOLD
                    && criticalWarning() != 0
                    && features.wants(SmartLog.WARNING_TEMPERATURE)) {
                asyncEvents.raise(AsyncEvent.of(
                        AsyncEvent.TYPE_SMART,
                        AsyncEvent.SMART_TEMPERATURE_THRESHOLD,
                        LogPageId.SMART_HEALTH_INFORMATION));
            }
        }
        return status;
    }

    synchronized Features features() {
        return features;
    }

    void wakeTransport() {
        transport.wake();
    }

    AsyncEvents asyncEvents() {
        return asyncEvents;
    }

    ErrorLog errors() {
        return errors;
    }

    synchronized int criticalWarning() {
        boolean warning = IdentifyPages.NOMINAL_KELVIN >= features.overTemperature()
                || IdentifyPages.NOMINAL_KELVIN <= features.underTemperature();
        return warning ? SmartLog.WARNING_TEMPERATURE : 0;
    }

    /** What all paths have done by now, by namespace. */
    synchronized List<IoUsage> usage() {
        var sum = new UsageLedger();
        sum.add(endedPaths.rows());
        paths.forEach(path -> sum.add(path.usage()));
        return sum.rows();
    }

    /** The same of all namespaces together. */
    IoUsage wholeUsage() {
        return usage().stream().reduce(IoUsage.none(0, countedAs()), IoUsage::plus);
    }

    /** How long it has had commands to execute: as long as its busiest path had. */
    synchronized long busyNanos() {
        long busiest = busiestNanos;
        for (var path : paths) {
            busiest = Math.max(busiest, path.busyNanos());
        }
        return busyBeforeNanos + busiest;
    }

    /** Changed Attached Namespace List; reading it forgets it unless {@code retain}. */
    synchronized int[] changedNamespaces(boolean retain) {
        int[] nsids = changed.stream().mapToInt(Integer::intValue).toArray();
        if (!retain) {
            changed.clear();
        }
        return nsids;
    }

    /** Whether the host uses other command sets than NVM. NVMe Base 2.1 §3.1.4.5 "Offset 14h: CC", CSS. */
    boolean usesCommandSets() {
        return new ControllerConfiguration(cc).css() == ControllerConfiguration.CSS_IO_COMMAND_SETS;
    }

    /** Attached, and of a command set that the host uses. */
    boolean isActive(SubsystemNamespace namespace) {
        return namespace != null && (namespace.csi() == IdentifyCns.CSI_NVM || usesCommandSets());
    }

    SubsystemNamespace[] attached() {
        return attached;
    }

    boolean isAttached(SubsystemNamespace namespace) {
        var table = attached;
        return namespace.nsid() <= table.length && table[namespace.nsid() - 1] == namespace;
    }

    /** The namespace that is active here, or null. */
    SubsystemNamespace attached(int nsid) {
        var table = attached;
        var namespace = nsid >= 1 && nsid <= table.length ? table[nsid - 1] : null;
        return isActive(namespace) ? namespace : null;
    }

    /** A namespace that is attached here, if it is, has been withheld or released, or is formatted otherwise. */
    synchronized void refresh(SubsystemNamespace namespace, boolean notify) {
        if (isAttached(namespace)) {
            publish(attached.clone(), namespace.nsid(), notify);
        }
    }

    synchronized void attach(SubsystemNamespace namespace, boolean notify) {
        int nsid = namespace.nsid();
        var table = Arrays.copyOf(attached, Math.max(attached.length, nsid));
        table[nsid - 1] = namespace;
        publish(table, nsid, notify);
    }

    synchronized void detach(SubsystemNamespace namespace, boolean notify) {
        var table = attached.clone();
        table[namespace.nsid() - 1] = null;
        publish(table, namespace.nsid(), notify);
    }

    private void publish(SubsystemNamespace[] table, int nsid, boolean notify) {
        attached = table;
        for (var path : paths) {
            path.reactor().wake();
        }
        if (notify) {
            changed.add(nsid);
            event(
                    AsyncEvent.TYPE_NOTICE,
                    AsyncEvent.NOTICE_ATTACHED_NAMESPACE_ATTRIBUTE_CHANGED,
                    LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST);
        }
    }

    @Override
    public void close() {
        List<IoPath> open;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            if (!host.isNamed()) {
                become(host);
            }
            var status = new ControllerStatus(csts);
            // A connection on a network may end as it likes: the device does not lose its power for that.
            if (setup.pci() && status.rdy() && status.shst() != ControllerStatus.SHST_COMPLETE) {
                subsystem.life().unsafeShutdown();
            }
            open = List.copyOf(paths);
        }
        if (!open.isEmpty()) {
            // A path is its reactor's to close, so here is nothing to be done but to say so.
            LOG.warn("{} is closed with {} I/O path(s) open", this, open.size());
        }
        asyncEvents.reset();
        subsystem.closed(this);
    }

    @Override
    public String toString() {
        return "controller " + controllerId + " (" + setup.name() + ") of " + subsystem;
    }
}
