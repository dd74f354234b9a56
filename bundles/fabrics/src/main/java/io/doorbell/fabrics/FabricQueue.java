package io.doorbell.fabrics;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.Reactor;
import io.doorbell.statistics.LatencySnapshot;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.CommandPath;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection of a host: first nothing but Connect, then the admin queue of a new controller, or an I/O queue of one that is
 * there.
 *
 * <p>The transport takes a command off the wire into a {@link FabricRequest}, asks {@link #admit} what data move, brings them, and calls
 * {@link #execute}; the answer is {@link FabricRequest#respond}, at once or later. A command that {@code admit} refuses is answered by
 * {@link #refuse}.
 *
 * <p>Owner: the connection's reactor; what others may call says so.
 */
public final class FabricQueue {
    private static final Logger LOG = LoggerFactory.getLogger(FabricQueue.class);

    /** A host that connects has something to say. */
    static final long CONNECT_BOUND_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** A controller that nobody enables, or that was disabled, is not kept for longer. */
    static final long ENABLE_BOUND_NANOS = TimeUnit.SECONDS.toNanos(120);

    /** Nor one that was enabled as it cannot be. */
    static final long REFUSED_BOUND_NANOS = TimeUnit.SECONDS.toNanos(30);

    /** Connects on one connection that are refused before it is ended: each is a thread's work, and a line in the log. */
    static final int MAX_REFUSALS = 8;

    static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final long POST_RETRY_NANOS = 100_000;

    private static final int SEQUENCE_ERROR = Status.COMMAND_SEQUENCE_ERROR | Status.DNR;
    private static final int INVALID_FIELD = Status.INVALID_FIELD | Status.DNR;

    /** Dword 0 of the answer to Abort: the command was not aborted. */
    private static final long NOT_ABORTED = 1;

    private enum State {
        NEW,
        CONNECTING,
        CONNECTED,
        /** The host said Disconnect. */
        DISCONNECTED,
        CLOSED
    }

    /** Where commands go; null until Connect, and until the host of an I/O queue has authenticated itself where it has to. */
    private CommandPath path;

    private boolean admin;
    private int executing;

    /** Commands that have come since Connect. */
    private long taken;

    /** Of these, those that ended with a status other than success. */
    private long failed;

    /** A command came since the last tick. */
    private boolean active;

    private final FusedPairs fused = new FusedPairs(this);
    private boolean flowControl;
    private int head;
    private int entries = 1;
    private long nextTickNanos;

    // Cold.
    private final FabricTarget target;
    private final FabricListener listener;
    private final Reactor reactor;
    private final FabricConnection connection;
    private final long begunNanos;

    /** Commands of the admin queue that are pending: those that a reset has to end. */
    private final List<FabricRequest> pendingAdmin = new ArrayList<>();

    private final List<Runnable> whenIdle = new ArrayList<>();
    private State state = State.NEW;
    private Association association;

    /** Its lease; null until Connect is granted. */
    private QueueControl control;

    /** Null where the host need not say more than its name. */
    private QueueAuthentication authentication;

    private int qid;
    private int refusals;
    private long notEnabledNanos;
    /** Since the controller was last enabled, it was so as it cannot be; first then. */
    private boolean refused;

    private long refusedNanos;

    public FabricQueue(
            FabricTarget target, FabricListener listener, Reactor reactor, FabricConnection connection, long nowNanos) {
        this.target = target;
        this.listener = listener;
        this.reactor = reactor;
        this.connection = connection;
        begunNanos = nowNanos;
        notEnabledNanos = nowNanos;
        nextTickNanos = nowNanos;
    }

    // Commands.

    /** Checks a command and sets what data move. Returns 0, or the status to {@link #refuse} it with. */
    public int admit(FabricRequest request) {
        active = true;
        taken++;
        request.partner = null;
        if (fused.expected() || (request.flags & 3) != 0) {
            return fused.admit(request);
        }
        return admitAlone(request);
    }

    int admitAlone(FabricRequest request) {
        if (admin || path == null || request.opc == AdminOpcode.FABRICS) {
            return admitOwn(request);
        }
        return path.admit(request);
    }

    private int admitOwn(FabricRequest request) {
        request.dataBytes = 0;
        request.dataToHost = false;
        request.result = 0;
        if (state == State.DISCONNECTED || (request.flags & 3) != 0) {
            return state == State.DISCONNECTED ? SEQUENCE_ERROR : INVALID_FIELD;
        }
        if (request.opc == AdminOpcode.FABRICS) {
            return admitFabrics(request);
        }
        if (state == State.CONNECTED && !isAuthentic()) {
            return FabricsStatus.AUTHENTICATION_REQUIRED | Status.DNR;
        }
        if (state != State.CONNECTED || !association.isEnabled()) {
            return SEQUENCE_ERROR;
        }
        return request.opc == AdminOpcode.ABORT ? Status.SUCCESS : path.admit(request);
    }

    private int admitFabrics(FabricRequest request) {
        int type = FabricsCommand.type(request.nsid);
        if (type == FabricsCommand.CONNECT) {
            if (state != State.NEW) {
                return SEQUENCE_ERROR;
            }
            if (FabricsCommand.recfmt(request.cdw10) != 0) {
                return FabricsStatus.INCOMPATIBLE_FORMAT | Status.DNR;
            }
            request.dataBytes = ConnectData.SIZE_BYTES;
            state = State.CONNECTING;
            return Status.SUCCESS;
        }
        if (state != State.CONNECTED) {
            return SEQUENCE_ERROR;
        }
        if (type == FabricsCommand.AUTHENTICATION_SEND || type == FabricsCommand.AUTHENTICATION_RECEIVE) {
            return authentication == null ? Status.INVALID_OPCODE | Status.DNR : authentication.admit(request);
        }
        if (!isAuthentic()) {
            return FabricsStatus.AUTHENTICATION_REQUIRED | Status.DNR;
        }
        return switch (type) {
            case FabricsCommand.PROPERTY_GET, FabricsCommand.PROPERTY_SET ->
                admin ? Status.SUCCESS : Status.INVALID_OPCODE | Status.DNR;
            case FabricsCommand.DISCONNECT -> admitDisconnect(request);
            default -> Status.INVALID_OPCODE | Status.DNR;
        };
    }

    private int admitDisconnect(FabricRequest request) {
        if (FabricsCommand.recfmt(request.cdw10) != 0) {
            return FabricsStatus.INCOMPATIBLE_FORMAT | Status.DNR;
        }
        return admin ? FabricsStatus.INVALID_QUEUE_TYPE | Status.DNR : Status.SUCCESS;
    }

    /** Ends a command that cannot be executed: {@link #admit} refused it, or its data did not come as they should. */
    public void refuse(FabricRequest request, int status) {
        if (state == State.CONNECTING && isConnect(request)) {
            state = State.NEW;
        }
        if (!fused.refuse(request, status)) {
            request.respond(status);
        }
    }

    private static boolean isConnect(NvmRequest request) {
        return request.opc == AdminOpcode.FABRICS && FabricsCommand.type(request.nsid) == FabricsCommand.CONNECT;
    }

    /** Executes an admitted command, with its data. */
    public void execute(FabricRequest request) {
        if (request.partner != null || fused.isFirst(request)) {
            fused.execute(request);
        } else if (admin || path == null || request.opc == AdminOpcode.FABRICS) {
            executeOwn(request);
        } else {
            run(request);
        }
    }

    private void run(FabricRequest request) {
        int status = path.execute(request);
        if (status == NvmRequest.PENDING) {
            executing++;
        } else {
            request.respond(status);
        }
    }

    void runFused(FabricRequest compare, FabricRequest write) {
        int status = path.executeFused(compare, write);
        if (status == NvmRequest.PENDING) {
            executing++;
        } else {
            fused.end(compare, write, status);
        }
    }

    private void executeOwn(FabricRequest request) {
        if (request.opc == AdminOpcode.FABRICS) {
            switch (FabricsCommand.type(request.nsid)) {
                case FabricsCommand.CONNECT -> connect(request);
                case FabricsCommand.PROPERTY_GET -> request.respond(propertyGet(request));
                case FabricsCommand.PROPERTY_SET -> propertySet(request);
                case FabricsCommand.DISCONNECT -> disconnectCommand(request);
                case FabricsCommand.AUTHENTICATION_SEND, FabricsCommand.AUTHENTICATION_RECEIVE ->
                    authentication.execute(request);
                default -> throw new IllegalStateException("admitted a command that there is not");
            }
        } else if (request.opc == AdminOpcode.ABORT) {
            abort(request);
        } else {
            int status = path.execute(request);
            if (status == NvmRequest.PENDING) {
                executing++;
                pendingAdmin.add(request);
            } else {
                request.respond(status);
            }
        }
    }

    void completed(FabricRequest request, int status) {
        executing--;
        if ((status | request.timedNanos) != 0) {
            path.ended(request, status);
        }
        if (admin) {
            pendingAdmin.remove(request);
        }
        if (request.partner != null) {
            fused.end(request.partner, request, status);
        } else {
            request.respond(status);
        }
        if (executing == 0 && !whenIdle.isEmpty()) {
            idle();
        }
    }

    /** Only what waits for an event can be aborted; everything else ends soon. NVMe Base 2.1 §5.1.1 "Abort command". */
    private void abort(FabricRequest request) {
        int sqid = request.cdw10 & 0xFFFF;
        int cid = request.cdw10 >>> 16;
        request.result = NOT_ABORTED;
        if (sqid == 0) {
            for (var pending : pendingAdmin) {
                if (pending.cid == cid && association.controller().abort(pending)) {
                    completed(pending, Status.ABORTED_BY_REQUEST);
                    request.result = 0;
                    break;
                }
            }
        }
        request.respond(Status.SUCCESS);
    }

    private void disconnectCommand(FabricRequest request) {
        state = State.DISCONNECTED;
        if (path != null && !(path instanceof RevokedPath)) {
            path = new RevokedPath(path);
        }
        request.respond(Status.SUCCESS);
        whenIdle(connection::finish);
    }

    // Properties. NVMe Base 2.1 §6.6 "Property Set command", §6.5 "Property Get command".

    private int propertyGet(FabricRequest request) {
        var controller = association.controller();
        int bytes = FabricsCommand.propertyBytes(request.cdw10);
        if (bytes != (request.cdw11 == Registers.CAP ? 8 : 4)) {
            return INVALID_FIELD;
        }
        long value;
        switch (request.cdw11) {
            case Registers.CAP -> value = controller.capabilities().raw();
            case Registers.VS -> value = controller.version();
            case Registers.CC -> value = controller.configuration();
            case Registers.CSTS -> value = controller.status();
            case Registers.CRTO -> value = controller.readyTimeouts();
            default -> {
                return INVALID_FIELD;
            }
        }
        request.result = bytes == 4 ? value & 0xFFFF_FFFFL : value;
        return Status.SUCCESS;
    }

    private void propertySet(FabricRequest request) {
        if (request.cdw11 != Registers.CC || FabricsCommand.propertyBytes(request.cdw10) != 4) {
            request.respond(INVALID_FIELD);
            return;
        }
        association.controller().configure(request.cdw12);
        request.respond(Status.SUCCESS);
    }

    // Connect.

    private void connect(FabricRequest request) {
        var data = new byte[ConnectData.SIZE_BYTES];
        request.copyFromHost(0, MemorySegment.ofArray(data), 0, data.length);
        var connect = new Connect(
                target,
                listener,
                this,
                FabricsCommand.qid(request.cdw10),
                FabricsCommand.sqsizeZeroBased(request.cdw11),
                FabricsCommand.cattr(request.cdw11),
                request.cdw12,
                MemorySegment.ofArray(data));
        // Judging may wait for a lock, or for a disk.
        target.control().execute(() -> {
            var answer = connect.judge();
            if (!post(() -> connected(request, connect, answer))) {
                answer.drop(this);
            }
        });
    }

    private void connected(FabricRequest request, Connect connect, Connect.Answer answer) {
        if (state == State.CLOSED) {
            answer.drop(this);
            return;
        }
        request.result = answer.result();
        int status = answer.status();
        if (status == Status.SUCCESS) {
            status = begin(connect, answer);
        }
        if (status != Status.SUCCESS) {
            state = State.NEW;
            complain(connect + " is refused: " + FabricsStatus.name(status) + ", result "
                    + Long.toHexString(request.result));
        }
        request.respond(status);
        if (status != Status.SUCCESS && ++refusals == MAX_REFUSALS) {
            connection.finish();
        }
    }

    private int begin(Connect connect, Connect.Answer answer) {
        var granted = answer.association();
        var host = answer.host();
        if (!connection.reserve(connect.sqsizeZeroBased() + 1)) {
            answer.drop(this);
            return FabricsStatus.CONTROLLER_BUSY;
        }
        admin = connect.qid() == 0;
        qid = connect.qid();
        association = granted;
        control = answer.control();
        taken = 0;
        failed = 0;
        if (host != null) {
            authentication = new QueueAuthentication(
                    this, host, granted.subsystem().nqn(), granted.host().nqn());
        }
        if (admin) {
            path = granted.controller().adminPath();
            granted.keepAlive(connect.kato());
        } else if (host == null) {
            path = granted.controller().openIoPath(reactor);
        }
        entries = connect.sqsizeZeroBased() + 1;
        flowControl = (connect.cattr() & FabricsCommand.CATTR_DISABLE_FLOW_CONTROL) == 0;
        state = State.CONNECTED;
        notEnabledNanos = System.nanoTime();
        tell(connect + " is controller " + granted.controller().controllerId() + " queue " + qid);
        if (granted.isEnding()) {
            connection.disconnect("the association ended meanwhile");
        }
        return Status.SUCCESS;
    }

    /** One line for an association, however many queues it has, and only so many of a second. */
    void tell(String what) {
        if (admin) {
            target.complaints().tell(listener.name() + ": " + what);
        } else {
            LOG.debug("{}: {}", listener.name(), what);
        }
    }

    /** Something is wrong with what a host wants, or with what an operator said of it: also only so many of a second. Any thread. */
    void complain(String what) {
        target.complaints().say(listener.name() + ": " + what);
    }

    // Authentication.

    private boolean isAuthentic() {
        return authentication == null || authentication.isAuthentic();
    }

    /** The host is who it said it is: from now on the queue is like any other. */
    void authenticated() {
        if (!admin) {
            path = association.controller().openIoPath(reactor);
        }
    }

    boolean isClosed() {
        return state == State.CLOSED;
    }

    /** SQHD of the next answer. Once for each. */
    public int nextHead() {
        if (!flowControl) {
            return state == State.CONNECTED && head++ == 0 ? FabricsCommand.NO_FLOW_CONTROL_SQHD : 0;
        }
        head = head + 1 == entries ? 0 : head + 1;
        return head;
    }

    /** Whether the host wants to know SQHD, so that every command needs a completion. */
    public boolean hasFlowControl() {
        return flowControl;
    }

    /** Whether Connect has been granted. */
    public boolean isConnected() {
        return state == State.CONNECTED;
    }

    public boolean isAdmin() {
        return admin || state == State.NEW || state == State.CONNECTING;
    }

    public int qid() {
        return qid;
    }

    /** Commands that the controller works on. Others may look, and see what was so a moment ago. */
    public int executing() {
        return executing;
    }

    /** Commands that have come, likewise. */
    long taken() {
        return taken;
    }

    /** Those that failed, likewise. */
    long failed() {
        return failed;
    }

    void countFailed() {
        failed++;
    }

    /** Of I/O commands, likewise. */
    LatencySnapshot latency() {
        var now = path;
        return now == null || admin ? LatencySnapshot.EMPTY : now.latency();
    }

    /** Its lease is being taken back: no new commands, and the end when those that execute are answered. */
    void revoke() {
        if (path instanceof RevokedPath || state == State.CLOSED) {
            return;
        }
        if (path != null) {
            path = new RevokedPath(path);
        }
        // Those that wait for an event would wait as long as the association lives.
        for (var pending : List.copyOf(pendingAdmin)) {
            if (association.controller().abort(pending)) {
                completed(pending, Status.ABORTED_SQ_DELETION);
            }
        }
        whenIdle(connection::finish);
    }

    // Time.

    /** Ends what has been executed; call it each cycle while {@link #executing}, and each tick. Returns work done. */
    public int poll(long nowNanos) {
        int work = path == null ? 0 : path.poll(nowNanos);
        if (nowNanos - nextTickNanos >= 0) {
            nextTickNanos = nowNanos + TICK_NANOS;
            tick(nowNanos);
        }
        return work;
    }

    /** How long {@link #poll} has nothing to do, unless the reactor is woken. */
    public long parkLimitNanos(long nowNanos) {
        return path == null ? Long.MAX_VALUE : path.parkLimitNanos(nowNanos);
    }

    private void tick(long nowNanos) {
        if (state == State.NEW || state == State.CONNECTING) {
            if (nowNanos - begunNanos > CONNECT_BOUND_NANOS) {
                connection.disconnect("no Connect within " + CONNECT_BOUND_NANOS / 1_000_000_000 + " s");
            }
            return;
        }
        if (state != State.CONNECTED) {
            return;
        }
        if (authentication != null && authentication.isLate(nowNanos)) {
            connection.disconnect("its host has not authenticated itself in time");
            return;
        }
        if (active && isAuthentic()) {
            active = false;
            association.controller().hostActivity(nowNanos);
        }
        if (!admin) {
            return;
        }
        association.controller().tick(nowNanos);
        if (association.isEnabled()) {
            notEnabledNanos = nowNanos;
            refused = false;
        } else if (refused) {
            if (nowNanos - refusedNanos > REFUSED_BOUND_NANOS) {
                connection.disconnect("its configuration cannot be, and it was not reset and enabled within "
                        + REFUSED_BOUND_NANOS / 1_000_000_000 + " s");
            }
        } else if (nowNanos - notEnabledNanos > ENABLE_BOUND_NANOS) {
            connection.disconnect("not enabled for " + ENABLE_BOUND_NANOS / 1_000_000_000 + " s");
        }
    }

    // What an association asks of its queues.

    /** The host has enabled its controller as it cannot be. Every further time counts from the first. */
    void refused() {
        if (!refused) {
            refused = true;
            refusedNanos = System.nanoTime();
        }
    }

    /** Any thread. Returns false when the reactor is gone. */
    boolean post(Runnable task) {
        if (reactor.isCurrent()) {
            // To wait for room in its own queue it could wait for long.
            task.run();
            return true;
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while (true) {
            try {
                reactor.execute(task);
                return true;
            } catch (RejectedExecutionException full) {
                if (!reactor.thread().isAlive()) {
                    return false;
                }
                if (System.nanoTime() - deadline > 0) {
                    LOG.error("{} took no task of {} for 5 s", reactor, connection.peer(), full);
                    return false;
                }
                LockSupport.parkNanos(POST_RETRY_NANOS);
            }
        }
    }

    FabricListener listener() {
        return listener;
    }

    Reactor reactor() {
        return reactor;
    }

    FabricConnection connection() {
        return connection;
    }

    /** Runs it when no command is executing. */
    void whenIdle(Runnable action) {
        whenIdle.add(action);
        if (executing == 0) {
            idle();
        }
    }

    private void idle() {
        var actions = List.copyOf(whenIdle);
        whenIdle.clear();
        actions.forEach(Runnable::run);
    }

    /** A reset has dropped what was pending on the admin queue; the connection goes on, so the host is told. */
    void endPending() {
        var dropped = List.copyOf(pendingAdmin);
        for (var request : dropped) {
            completed(request, Status.ABORTED_SQ_DELETION);
        }
    }

    /**
     * The connection has ended; nothing is answered any more. Idempotent.
     *
     * @return false when a namespace has not let go of the data: they must not be used again
     */
    public boolean close() {
        if (state == State.CLOSED) {
            return true;
        }
        state = State.CLOSED;
        if (authentication != null) {
            authentication.abandon();
        }
        boolean free = true;
        pendingAdmin.clear();
        if (path != null && !admin) {
            try {
                path.close();
            } catch (RuntimeException busy) {
                LOG.warn("{}: a namespace has not let go of the data of {}", listener.name(), connection.peer(), busy);
                free = false;
            }
        }
        path = null;
        executing = 0;
        idle();
        if (association != null) {
            association.detach(this);
        }
        if (control != null) {
            control.closed();
        }
        return free;
    }

    /** Whether CSTS says ready. */
    static boolean isReady(int csts) {
        return new ControllerStatus(csts).rdy();
    }

    @Override
    public String toString() {
        return "queue " + qid + " of " + connection.peer();
    }
}
