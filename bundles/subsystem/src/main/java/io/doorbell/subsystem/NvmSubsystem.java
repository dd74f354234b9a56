package io.doorbell.subsystem;

import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.DeviceSelfTestLog;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.ReservationReport;
import io.doorbell.nvme.Status;
import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.target.AccessStates;
import io.doorbell.target.ControllerEvents;
import io.doorbell.target.ControllerSetup;
import io.doorbell.target.HostIdentity;
import io.doorbell.target.IoLimits;
import io.doorbell.target.IoUsage;
import io.doorbell.target.TargetController;
import io.doorbell.target.TargetSubsystem;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An NVM subsystem: which namespaces there are, and which controllers have them attached. NVMe Base 2.1 §3.2 "NVM
 * Subsystem Entities".
 *
 * <p>Any thread. Locks are taken subsystem first, then controller.
 */
public final class NvmSubsystem implements TargetSubsystem, AutoCloseable {
    /** NN: the highest namespace identifier, and as many namespaces at most. */
    public static final int MAX_NSID = 1024;

    /** Controllers at a time. */
    public static final int MAX_CONTROLLERS = 1024;

    static final String FIRMWARE_REVISION = "0.1";

    private static final int SERIAL_LENGTH = 20;
    private static final int MODEL_LENGTH = 40;

    /** How long {@link #close} waits for transports to let go of a namespace. */
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(5);

    private static final Logger LOG = LoggerFactory.getLogger(NvmSubsystem.class);

    private final String nqn;
    private final String serial;
    private final String model;
    private final InstantSource clock;
    private final SubsystemLife life;
    /** Where reservations are kept that outlive the node, or null. */
    private final Path reservationFolder;

    private final FirmwareSlots firmware = new FirmwareSlots(FIRMWARE_REVISION);
    private final SanitizeOperation sanitize = new SanitizeOperation(this);
    private final SelfTests selfTests = new SelfTests(this);
    private final RateLimits limits = new RateLimits();

    /** Held while a namespace is resized: one at a time. */
    private final Object resizing = new Object();

    // Guarded by this.
    private final TreeMap<Integer, SubsystemNamespace> namespaces = new TreeMap<>();
    private final TreeMap<Integer, NvmController> controllers = new TreeMap<>();
    private final UsageLedger usageOfClosed = new UsageLedger();
    /** Identifiers that are taken by namespaces which hosts have asked for and do not have yet, and their bytes. */
    private final Map<Integer, Long> beingMade = new HashMap<>();

    /** By namespace identifier; they outlive the namespace, which may come back with the same data. */
    private final Map<Integer, NamespaceReservations> reservations = new HashMap<>();

    private BackendProvider maker;
    private long makerBytes;
    private boolean closed;

    /** Written under the lock, read without. */
    private volatile boolean volatileCache;

    private volatile HostAccess access = HostAccess.OPEN;
    private final List<Runnable> accessWatchers = new CopyOnWriteArrayList<>();

    /**
     * @param serial at most 20 printable ASCII characters
     * @param model at most 40 printable ASCII characters
     */
    public NvmSubsystem(String nqn, String serial, String model) {
        this(nqn, serial, model, null);
    }

    /**
     * @param reservationFolder where reservations are kept that are to persist through a loss of power; null where hosts
     *     cannot ask for that
     */
    public NvmSubsystem(String nqn, String serial, String model, Path reservationFolder) {
        this(nqn, serial, model, reservationFolder, InstantSource.system());
    }

    NvmSubsystem(String nqn, String serial, String model, Path reservationFolder, InstantSource clock) {
        this(nqn, serial, model, reservationFolder, null, clock);
    }

    /** @param lifeFolder where it is kept how often and how long subsystems ran, or null */
    NvmSubsystem(
            String nqn, String serial, String model, Path reservationFolder, Path lifeFolder, InstantSource clock) {
        checkIdentity(nqn, serial, model);
        this.reservationFolder = reservationFolder;
        this.nqn = nqn;
        this.serial = serial;
        this.model = model;
        this.clock = clock;
        life = new SubsystemLife(lifeFolder, nqn, clock);
    }

    static void checkIdentity(String nqn, String serial, String model) {
        Nqn.check("nqn", nqn);
        checkPrintable("serial", serial, SERIAL_LENGTH);
        checkPrintable("model", model, MODEL_LENGTH);
    }

    private static void checkPrintable(String what, String text, int length) {
        if (text.isEmpty() || text.length() > length || !text.chars().allMatch(c -> c >= ' ' && c <= '~')) {
            throw new IllegalArgumentException(
                    what + " \"" + text + "\": must be 1 to " + length + " printable ASCII characters");
        }
    }

    @Override
    public String nqn() {
        return nqn;
    }

    @Override
    public String serial() {
        return serial;
    }

    @Override
    public String model() {
        return model;
    }

    /** Whether reservations can outlive the node. */
    boolean persistsReservations() {
        return reservationFolder != null;
    }

    InstantSource clock() {
        return clock;
    }

    SubsystemLife life() {
        return life;
    }

    /** Whether a namespace needs Flush. */
    boolean hasVolatileCache() {
        return volatileCache;
    }

    /**
     * Lets hosts make namespaces by Namespace Management, of this provider's kind and up to so many bytes in all; with
     * {@code null} no more. What was made stays.
     */
    public synchronized void allowNamespaceManagement(BackendProvider provider, long bytes) {
        maker = provider;
        makerBytes = provider == null ? 0 : bytes;
    }

    /**
     * Adds a namespace, which is the subsystem's to close from now on, and attaches it to the controllers that want all. It
     * stays the caller's when this throws.
     *
     * @throws IllegalArgumentException when {@code nsid} is taken, or not from 1 to {@link #MAX_NSID}
     * @throws UncheckedIOException when its reservations were kept and cannot be read: it may not be open to everyone then
     */
    public void addNamespace(int nsid, Namespace namespace) {
        if (nsid < 1 || nsid > MAX_NSID) {
            throw new IllegalArgumentException("namespace id " + nsid + " of " + nqn + ": 1 to " + MAX_NSID);
        }
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException(nqn + " is closed");
            }
            if (namespaces.containsKey(nsid) || beingMade.containsKey(nsid)) {
                throw new IllegalArgumentException("namespace id " + nsid + " of " + nqn + " is taken");
            }
            var added = new SubsystemNamespace(nsid, namespace, false, reservations(nsid, namespace));
            put(added);
            for (var controller : controllers.values()) {
                if (controller.setup().attachAll() && shows(nsid, controller.hostNqn())) {
                    controller.attach(added, true);
                }
            }
        }
    }

    @Override
    public boolean allows(String hostNqn) {
        return access.allows(hostNqn);
    }

    /** A PCI function's host has no name; one on a network that has none is nobody who is named. */
    private boolean mayConnect(ControllerSetup setup, String hostNqn) {
        return (setup.pci() && hostNqn.isEmpty()) || allows(hostNqn);
    }

    @Override
    public boolean requiresAuthentication() {
        return access.authentic();
    }

    @Override
    public void watchAccess(Runnable told) {
        accessWatchers.add(told);
    }

    @Override
    public void unwatchAccess(Runnable told) {
        accessWatchers.remove(told);
    }

    boolean shows(int nsid, String hostNqn) {
        return access.shows(nsid, hostNqn);
    }

    /**
     * Who may connect and see what, from now on: controllers of hosts that may not be here any more fail, and namespaces come
     * and go for the others.
     */
    void restrict(HostAccess to) {
        var refused = new ArrayList<NvmController>();
        synchronized (this) {
            if (access.equals(to)) {
                return;
            }
            access = to;
            for (var controller : controllers.values()) {
                if (!mayConnect(controller.setup(), controller.hostNqn())) {
                    refused.add(controller);
                }
                for (var namespace : namespaces.values()) {
                    boolean shown = to.shows(namespace.nsid(), controller.hostNqn());
                    boolean attached = controller.isAttached(namespace);
                    if (attached && !shown) {
                        controller.detach(namespace, true);
                    } else if (!attached && shown && controller.setup().attachAll()) {
                        controller.attach(namespace, true);
                    }
                }
            }
        }
        accessWatchers.forEach(Runnable::run);
        refused.forEach(NvmController::refuseHost);
    }

    /**
     * Adds a zoned namespace over one that is not.
     *
     * @param zones as configuration spells it: {@code zoned=16MiB;capacity=12MiB;open=8;active=12}
     * @throws IllegalArgumentException as above, and when it cannot be divided so
     */
    public void addNamespace(int nsid, Namespace blocks, String zones) {
        addNamespace(nsid, new ZonedNamespace(blocks, ZoneOptions.parse(zones)));
    }

    /** Those of before where the data is that of before: a namespace whose backend was replaced keeps them. */
    private NamespaceReservations reservations(int nsid, Namespace namespace) {
        var uuid = namespace.shape().uuid();
        var known = reservations.get(nsid);
        if (known != null && known.uuid().equals(uuid)) {
            return known;
        }
        var store = reservationFolder == null ? null : new ReservationStore(reservationFolder, nqn, nsid, uuid);
        var made = new NamespaceReservations(
                "namespace " + nsid + " of " + nqn, uuid, store, (host, type) -> tellOfReservation(nsid, host, type));
        reservations.put(nsid, made);
        return made;
    }

    private synchronized void tellOfReservation(int nsid, HostId host, int type) {
        for (var controller : controllers.values()) {
            if (controller.host().equals(host) && controller.attached(nsid) != null) {
                controller.reservationNotice(nsid, type);
            }
        }
    }

    /** With an entry for each controller of a registrant. */
    synchronized ReservationReport reservationReport(ReservationState state) {
        var entries = new ArrayList<ReservationReport.Registrant>();
        for (var registrant : state.registrants()) {
            int before = entries.size();
            for (var controller : controllers.values()) {
                if (controller.host().equals(registrant.host())) {
                    entries.add(ReservationSession.entry(state, registrant, controller.controllerId()));
                }
            }
            if (entries.size() == before) {
                entries.add(ReservationSession.entry(state, registrant, ReservationReport.NO_CONTROLLER));
            }
        }
        return new ReservationReport(state.gen(), state.rtype(), state.persistent(), entries);
    }

    /** A host without an identifier is gone for good: so is what it had registered. Any thread; does not block. */
    void forget(HostId host) {
        List<NamespaceReservations> registered;
        synchronized (this) {
            registered = reservations.values().stream()
                    .filter(of -> of.state().isRegistered(host))
                    .toList();
        }
        if (!registered.isEmpty()) {
            Thread.ofVirtual().name("forget a host of " + nqn).start(() -> {
                for (var of : registered) {
                    of.change(false, state -> state.forget(host));
                }
            });
        }
    }

    private void put(SubsystemNamespace namespace) {
        namespaces.put(namespace.nsid(), namespace);
        updateCache();
    }

    private void updateCache() {
        volatileCache = namespaces.values().stream().anyMatch(n -> n.shape().volatileCache());
    }

    /** Detaches and closes a namespace, when the last session to it has ended. Returns whether there was one. */
    public synchronized boolean removeNamespace(int nsid) {
        return take(nsid, null) != null;
    }

    private SubsystemNamespace take(int nsid, NvmController cause) {
        var namespace = namespaces.remove(nsid);
        if (namespace == null) {
            return null;
        }
        updateCache();
        for (var controller : controllers.values()) {
            if (controller.isAttached(namespace)) {
                controller.detach(namespace, controller != cause);
            }
        }
        namespace.remove();
        return namespace;
    }

    /**
     * Gives a namespace another size while hosts use it; see {@link NamespaceResize}. Blocks.
     *
     * @param bytes of data, rounded down to whole blocks
     * @throws IllegalArgumentException when there is no such namespace, or it cannot have that size
     * @throws IllegalStateException when it cannot now
     * @throws UncheckedIOException when its store could not be resized
     */
    public void resizeNamespace(int nsid, long bytes) {
        var namespace = namespace(nsid);
        if (namespace == null) {
            throw new IllegalArgumentException(nqn + " has no namespace " + nsid);
        }
        synchronized (resizing) {
            new NamespaceResize(this, namespace).to(bytes);
        }
    }

    /**
     * Puts a namespace into another ANA group, which hosts on a network are told.
     *
     * @throws IllegalArgumentException when there is no such namespace, or no such group
     */
    public void groupNamespace(int nsid, int group) {
        AccessStates.check(group);
        List<NvmController> all;
        SubsystemNamespace namespace;
        int from;
        synchronized (this) {
            namespace = namespaces.get(nsid);
            if (namespace == null) {
                throw new IllegalArgumentException(nqn + " has no namespace " + nsid);
            }
            from = namespace.group();
            if (from == group) {
                return;
            }
            namespace.group(group);
            all = List.copyOf(controllers.values());
        }
        all.forEach(controller -> controller.regrouped(namespace, from));
    }

    synchronized void refresh(SubsystemNamespace namespace, boolean notify) {
        for (var controller : controllers.values()) {
            controller.refresh(namespace, notify);
        }
    }

    @Override
    public synchronized List<AllocatedNamespace> namespaces() {
        var list = new ArrayList<AllocatedNamespace>();
        for (var namespace : namespaces.values()) {
            list.add(new AllocatedNamespace(namespace.nsid(), namespace.shape(), controllersOf(namespace)));
        }
        return list;
    }

    private List<Integer> controllersOf(SubsystemNamespace namespace) {
        return controllers.values().stream()
                .filter(controller -> controller.isAttached(namespace))
                .map(NvmController::controllerId)
                .toList();
    }

    synchronized SubsystemNamespace namespace(int nsid) {
        return namespaces.get(nsid);
    }

    synchronized int[] allocatedAfter(int nsid) {
        return namespaces.keySet().stream()
                .mapToInt(Integer::intValue)
                .filter(id -> Integer.compareUnsigned(id, nsid) > 0)
                .toArray();
    }

    /** Controllers from {@code cntlid} up, those with {@code namespace} attached only unless it is null. */
    synchronized int[] controllersFrom(int cntlid, SubsystemNamespace namespace) {
        return controllers.tailMap(cntlid).values().stream()
                .filter(controller -> namespace == null || controller.isAttached(namespace))
                .mapToInt(NvmController::controllerId)
                .toArray();
    }

    /** TNVMCAP. */
    synchronized long totalBytes() {
        long configured = namespaces.values().stream()
                .filter(n -> !n.madeByHost())
                .mapToLong(n -> n.shape().byteSize())
                .sum();
        return configured + Math.max(makerBytes, madeBytes());
    }

    /** UNVMCAP: what Namespace Management can still give. */
    synchronized long unallocatedBytes() {
        return Math.max(0, makerBytes - madeBytes());
    }

    private long madeBytes() {
        return namespaces.values().stream()
                        .filter(SubsystemNamespace::madeByHost)
                        .mapToLong(n -> n.shape().byteSize())
                        .sum()
                + beingMade.values().stream().mapToLong(Long::longValue).sum();
    }

    /**
     * Namespace Management, Create: the new identifier, or a status as a negative number. It is attached to nobody. Takes
     * as long as it takes to bring memory, so not on a reactor.
     */
    int createNamespace(BlockFormat format, long blockCount) {
        int blockBytes = format.blockBytes();
        BackendProvider backend;
        int nsid;
        synchronized (this) {
            if (maker == null || closed || blockCount > unallocatedBytes() / blockBytes) {
                return -(Status.NAMESPACE_INSUFFICIENT_CAPACITY | Status.DNR);
            }
            nsid = freeNsid();
            if (nsid > MAX_NSID) {
                return -(Status.NAMESPACE_IDENTIFIER_UNAVAILABLE | Status.DNR);
            }
            backend = maker;
            beingMade.put(nsid, blockCount * blockBytes);
        }
        Namespace made = null;
        try {
            made = backend.open(new NamespaceSpec(backend.kind(), blockCount * blockBytes, format, ""));
        } catch (RuntimeException failed) {
            LOG.warn("{}: no namespace of {} blocks of {}", nqn, blockCount, format, failed);
        }
        synchronized (this) {
            beingMade.remove(nsid);
            if (made != null && !closed) {
                try {
                    put(new SubsystemNamespace(nsid, made, true, reservations(nsid, made)));
                    LOG.info("{}: a host made namespace {} of {} blocks of {}", nqn, nsid, blockCount, format);
                    return nsid;
                } catch (UncheckedIOException failed) {
                    LOG.error("{}: no namespace {}: {}", nqn, nsid, failed.getMessage());
                }
            }
        }
        if (made != null) {
            made.close();
        }
        return -Status.NAMESPACE_INSUFFICIENT_CAPACITY;
    }

    private int freeNsid() {
        int nsid = 1;
        while (namespaces.containsKey(nsid) || beingMade.containsKey(nsid)) {
            nsid++;
        }
        return nsid;
    }

    synchronized boolean withhold(SubsystemNamespace namespace, int status) {
        if (namespaces.get(namespace.nsid()) != namespace || !namespace.withhold(status)) {
            return false;
        }
        refresh(namespace, false);
        return true;
    }

    /** What the first namespace stores to that cannot be erased; null when all can. */
    synchronized String notErasable() {
        return namespaces.values().stream()
                .map(SubsystemNamespace::namespace)
                .filter(each -> !each.isErasable())
                .map(each -> each.shape().backend())
                .findFirst()
                .orElse(null);
    }

    /** Withholds every namespace; null, and none, when one is withheld already. */
    synchronized List<SubsystemNamespace> withholdAll(int status) {
        for (var namespace : namespaces.values()) {
            int withheld = namespace.withheld();
            if (withheld != 0 && withheld != Status.SANITIZE_FAILED) {
                return null;
            }
        }
        var all = List.copyOf(namespaces.values());
        for (var namespace : all) {
            namespace.stillWithhold(Status.SANITIZE_FAILED, status);
            withhold(namespace, status);
        }
        return all;
    }

    synchronized void stillWithhold(int before, int status) {
        namespaces.values().forEach(namespace -> namespace.stillWithhold(before, status));
    }

    synchronized void releaseAll(int status) {
        for (var namespace : namespaces.values()) {
            release(namespace, status, null, false);
        }
    }

    /** @param notify whether hosts are told that it is another now, but for that of {@code cause} */
    synchronized void release(SubsystemNamespace namespace, int status, NvmController cause, boolean notify) {
        if (namespace.release(status)) {
            for (var controller : controllers.values()) {
                controller.refresh(namespace, notify && controller != cause);
            }
        }
    }

    /** Allocated now. */
    synchronized List<SubsystemNamespace> all() {
        return List.copyOf(namespaces.values());
    }

    /** NVMe Base 2.1 §3.7.1 "NVM Subsystem Reset": all controllers. What namespaces have stays, as after a power cycle. */
    void reset() {
        List<NvmController> all;
        synchronized (this) {
            all = List.copyOf(controllers.values());
        }
        LOG.info("{}: a host reset it, with its {} controllers", nqn, all.size());
        all.forEach(NvmController::subsystemReset);
    }

    RateLimits limits() {
        return limits;
    }

    /**
     * How much I/O all hosts together may do with a namespace from now on; what waits for a limit is looked at anew.
     *
     * @param ioLimits {@link IoLimits#NONE} for none
     */
    public void limitNamespace(int nsid, IoLimits ioLimits) {
        limit(limits.settings().withNamespace(nsid, ioLimits));
    }

    /** The same of a host, or with {@code *} of each that is not named. */
    public void limitHost(String hostNqn, IoLimits ioLimits) {
        limit(limits.settings().withHost(RateLimits.Settings.host(hostNqn), ioLimits));
    }

    void limit(RateLimits.Settings settings) {
        if (limits.set(settings)) {
            List<NvmController> all;
            synchronized (this) {
                all = List.copyOf(controllers.values());
            }
            all.forEach(NvmController::rulesChanged);
        }
    }

    FirmwareSlots firmware() {
        return firmware;
    }

    SanitizeOperation sanitize() {
        return sanitize;
    }

    SelfTests selfTests() {
        return selfTests;
    }

    /** Write commands of the controllers there are: another number says that something was written. */
    synchronized long writeCommands() {
        return controllers.values().stream()
                .mapToLong(controller -> controller.wholeUsage().writeCommands())
                .sum();
    }

    synchronized void tellAll(int type, int information, int logPage) {
        for (var controller : controllers.values()) {
            controller.event(type, information, logPage);
        }
    }

    void sanitizeEnded() {
        tellAll(AsyncEvent.TYPE_COMMAND_SET, AsyncEvent.COMMAND_SET_SANITIZE_COMPLETED, LogPageId.SANITIZE_STATUS);
    }

    /** Namespace Management, Delete: a status. What configuration made, a host cannot delete. */
    synchronized int deleteNamespace(int nsid, NvmController cause) {
        var namespace = namespaces.get(nsid);
        if (namespace == null || !shows(nsid, cause.hostNqn())) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        if (!namespace.madeByHost()) {
            return Status.OPERATION_DENIED | Status.DNR;
        }
        take(nsid, cause);
        selfTests.stop(nsid, DeviceSelfTestLog.ABORTED_BY_NAMESPACE_REMOVAL);
        LOG.info("{}: a host deleted namespace {}", nqn, nsid);
        return Status.SUCCESS;
    }

    /** Namespace Attachment for all of the controllers or for none: a status. */
    synchronized int changeAttachment(int nsid, boolean attach, int[] cntlids, NvmController cause) {
        var namespace = namespaces.get(nsid);
        if (namespace == null || !shows(nsid, cause.hostNqn())) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        if (cntlids.length == 0) {
            return Status.CONTROLLER_LIST_INVALID | Status.DNR;
        }
        for (int i = 0; i < cntlids.length; i++) {
            var controller = controllers.get(cntlids[i]);
            if (controller == null || (i > 0 && cntlids[i] <= cntlids[i - 1])) {
                return Status.CONTROLLER_LIST_INVALID | Status.DNR;
            }
            if (!shows(nsid, controller.hostNqn())) {
                return Status.OPERATION_DENIED | Status.DNR;
            }
            if (controller.isAttached(namespace) == attach) {
                return (attach ? Status.NAMESPACE_ALREADY_ATTACHED : Status.NAMESPACE_NOT_ATTACHED) | Status.DNR;
            }
        }
        for (int cntlid : cntlids) {
            var controller = controllers.get(cntlid);
            // The host of this controller knows; the others have to be told.
            if (attach) {
                controller.attach(namespace, controller != cause);
            } else {
                controller.detach(namespace, controller != cause);
            }
        }
        return Status.SUCCESS;
    }

    @Override
    public synchronized TargetController createController(
            ControllerSetup setup, HostIdentity host, ControllerEvents events) {
        if (closed) {
            throw new IllegalStateException(nqn + " is closed");
        }
        if (controllers.size() == MAX_CONTROLLERS) {
            throw new IllegalStateException(nqn + " has " + MAX_CONTROLLERS + " controllers already");
        }
        if (!mayConnect(setup, host.nqn())) {
            throw new IllegalStateException("host " + host.nqn() + " may not connect to " + nqn);
        }
        int cntlid = 1;
        while (controllers.containsKey(cntlid)) {
            cntlid++;
        }
        var controller = new NvmController(this, cntlid, setup, host, events);
        controllers.put(cntlid, controller);
        if (setup.attachAll()) {
            for (var namespace : namespaces.values()) {
                if (shows(namespace.nsid(), host.nqn())) {
                    controller.attach(namespace, false);
                }
            }
        }
        return controller;
    }

    synchronized void closed(NvmController controller) {
        if (controllers.remove(controller.controllerId(), controller)) {
            usageOfClosed.add(controller.usage());
        }
    }

    /** What hosts have done since the subsystem is there, by host and namespace. */
    synchronized List<IoUsage> usage() {
        var sum = new UsageLedger();
        sum.add(usageOfClosed.rows());
        controllers.values().forEach(controller -> sum.add(controller.usage()));
        return sum.rows();
    }

    /** Flushes what has a cache: a host shuts a controller down. */
    void flush() {
        List<SubsystemNamespace> all;
        synchronized (this) {
            all = List.copyOf(namespaces.values());
        }
        for (var namespace : all) {
            if (namespace.shape().volatileCache()) {
                try {
                    namespace.namespace().flush();
                } catch (RuntimeException failed) {
                    LOG.error("{} of {} could not be flushed", namespace, nqn, failed);
                }
            }
        }
    }

    /** Ends it. Transports close their controllers before; what they still hold is closed under them after a bound. */
    @Override
    public void close() {
        var ending = new ArrayList<SubsystemNamespace>();
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            for (int nsid : List.copyOf(namespaces.keySet())) {
                ending.add(take(nsid, null));
            }
        }
        long deadlineNanos = System.nanoTime() + CLOSE_BOUND.toNanos();
        boolean interrupted = false;
        for (var namespace : ending) {
            try {
                if (!interrupted && namespace.closed().await(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                    continue;
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
            LOG.warn("{} of {} is still in use and is closed under its users", namespace, nqn);
            namespace.closeNow();
        }
        life.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return nqn;
    }
}
