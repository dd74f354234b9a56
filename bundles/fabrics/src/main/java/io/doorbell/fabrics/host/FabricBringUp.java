package io.doorbell.fabrics.host;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.AdminThread;
import io.doorbell.driver.BringUpSteps;
import io.doorbell.driver.ControllerSetup;
import io.doorbell.driver.RunningController;
import io.doorbell.driver.TransferLimits;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.PrpMath;
import io.doorbell.nvme.TransportId;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a controller and brings it to where it takes I/O queues: a straight sequence, run on a control thread. NVMe Base 2.1 §3.5.2
 * "Message-based Controller Initialization (Message-based Transports)".
 */
final class FabricBringUp {
    private static final Logger LOG = LoggerFactory.getLogger(FabricBringUp.class);

    private static final int CAPSULE_UNIT_BYTES = 16;
    private static final int COMMAND_BYTES = 64;
    private static final int LEAST_IOCCSZ = COMMAND_BYTES / CAPSULE_UNIT_BYTES;

    private final HostTransport transport;
    private final TransportId id;
    private final FabricHostOptions options;
    private final String name;
    private final BringUpSteps steps;
    private final HostConnect connect;

    // Found out on the way.
    private HostConnection connection;
    private AdminQueue admin;
    private AdminThread thread;

    /**
     * A controller that runs, until it is shut down or lost.
     *
     * @param inCapsuleBytes of data that a command on an I/O queue may bring along
     * @param disconnects whether it understands Disconnect
     */
    record Running(
            RunningController common,
            HostConnection connection,
            HostProperties properties,
            HostConnect connect,
            int controllerId,
            int inCapsuleBytes,
            boolean disconnects) {}

    interface Parts extends AdminQueue.Listener {
        AdminThread startThread(AdminQueue queue, HostConnection connection);
    }

    FabricBringUp(HostTransport transport, TransportId id, FabricHostOptions options, String name) {
        this.transport = transport;
        this.id = id;
        this.options = options;
        this.name = name;
        steps = new BringUpSteps(name, id::toString);
        connect = new HostConnect(
                name, id.subnqn(), options.hostNqn(), options.hostId(), options.connectTimeout(), options.keys());
    }

    /**
     * Runs the sequence. When it throws, the connection is ended.
     *
     * @throws NvmeException naming the step and what was expected
     */
    Running run(Parts parts) {
        try {
            return sequence(parts);
        } catch (RuntimeException failed) {
            undo();
            throw failed;
        }
    }

    private Running sequence(Parts parts) {
        int entries = options.adminQueueEntries();
        connection = steps.step("connecting", () -> transport.connect(0, 0, entries, options.connectTimeout()));
        var granted = steps.step("Connect", () -> connect.admin(connection, entries, options.keepAlive()));
        admin = connection.adminQueue(name, parts);
        thread = parts.startThread(admin, connection);
        var properties = new HostProperties(name, command -> admin.answer(command, options.adminTimeout()));
        var cap = steps.step("reading capabilities", () -> checked(properties.cap()));
        steps.perform("enabling", () -> properties.enable(cap, configuration(cap)));

        var setup = new ControllerSetup(name, admin, cap, steps, options.adminTimeout());
        setup.identify();
        var identity = setup.identity();
        checkIdentity(identity, granted.controllerId());
        int queuePairs = setup.negotiateQueuePairs(options.maxQueuePairs());
        setup.configureEvents();
        var retry = setup.retryPolicy(options.retries());
        var limits = new TransferLimits(
                (int) Math.min(setup.maxTransferBytes(), options.maxTransferBytes()),
                setup.attribute(IdentifyController.CTRATT_MDTS_WITHOUT_METADATA),
                0);
        int vs = steps.step("reading the version", properties::vs);
        var running = setup.running(
                thread,
                setup.info(vs, queuePairs, queueEntries(cap, identity), false, limits),
                setup.namespaceReader(limits),
                limits,
                retry,
                options.keepAlive().dividedBy(2));
        return new Running(
                running,
                connection,
                properties,
                connect,
                granted.controllerId(),
                inCapsuleBytes(identity),
                (IdentifyController.OFCS.get(identity) & 1) != 0);
    }

    private ControllerCapabilities checked(ControllerCapabilities cap) {
        if (cap.minPageBytes() > PrpMath.PAGE_BYTES) {
            throw steps.unusable("its smallest memory page has " + cap.minPageBytes() + " bytes");
        }
        if ((cap.css() & (ControllerCapabilities.CSS_NVM | ControllerCapabilities.CSS_IO_COMMAND_SETS)) == 0) {
            throw steps.unusable("it has no NVM command set, " + cap);
        }
        return cap;
    }

    static ControllerConfiguration configuration(ControllerCapabilities cap) {
        return ControllerConfiguration.DISABLED
                .withCss(
                        ControllerSetup.hasCommandSets(cap)
                                ? ControllerConfiguration.CSS_IO_COMMAND_SETS
                                : ControllerConfiguration.CSS_NVM)
                .withIosqes(ControllerSetup.SUBMISSION_ENTRY_SHIFT)
                .withIocqes(ControllerSetup.COMPLETION_ENTRY_SHIFT);
    }

    /** What a controller over a network has to say of itself. NVMe Base 2.1 §5.1.13.2.1, the fields of message-based controllers. */
    private void checkIdentity(MemorySegment identity, int controllerId) {
        int cntlid = IdentifyController.CNTLID.get(identity);
        if (cntlid != controllerId) {
            throw steps.unusable("Connect gave controller " + controllerId + ", and it identifies as " + cntlid);
        }
        if (IdentifyController.CNTRLTYPE.get(identity) == IdentifyController.CNTRLTYPE_DISCOVERY) {
            throw steps.unusable(id.subnqn() + " is a discovery subsystem: ./doorbell discover reads it");
        }
        var subnqn = IdentifyController.SUBNQN.get(identity);
        if (!subnqn.isEmpty() && !subnqn.equals(id.subnqn())) {
            throw steps.unusable("it is of the subsystem " + subnqn + ", not " + id.subnqn());
        }
        if (IdentifyController.KAS.get(identity) == 0 && !options.keepAlive().isZero()) {
            throw steps.unusable(
                    "it has no keep alive (KAS 0); with keep.alive.ms = 0 it could be driven, and its loss be"
                            + " noticed by commands alone");
        }
        if (Integer.compareUnsigned(IdentifyController.IOCCSZ.get(identity), LEAST_IOCCSZ) < 0
                || IdentifyController.IORCSZ.get(identity) == 0) {
            throw steps.unusable("its capsules have no room for a command and its completion: IOCCSZ "
                    + Integer.toUnsignedString(IdentifyController.IOCCSZ.get(identity)) + ", IORCSZ "
                    + Integer.toUnsignedString(IdentifyController.IORCSZ.get(identity)));
        }
        if ((IdentifyController.SGLS.get(identity) & IdentifyController.SGLS_SUPPORTED_MASK) == 0) {
            throw steps.unusable("it has no SGLs, without which nothing moves over a network");
        }
        var objection = transport.objection(identity);
        if (objection != null) {
            throw steps.unusable(objection);
        }
    }

    /** MAXCMD bounds what is in flight; CAP.MQES what a queue can hold. */
    private int queueEntries(ControllerCapabilities cap, MemorySegment identity) {
        int maxcmd = IdentifyController.MAXCMD.get(identity);
        if (maxcmd == 0) {
            LOG.warn("{} does not say how many commands a queue takes (MAXCMD 0): as many as it has entries", name);
        }
        int most = Math.min(cap.maxQueueEntries(), options.maxQueueEntries());
        return maxcmd == 0 ? most : Math.max(2, Math.min(most, maxcmd));
    }

    private static int inCapsuleBytes(MemorySegment identity) {
        long capsule = IdentifyController.IOCCSZ.unsigned(identity) * CAPSULE_UNIT_BYTES;
        boolean offered = (IdentifyController.SGLS.get(identity) & IdentifyController.SGLS_OFFSET) != 0
                && IdentifyController.ICDOFF.get(identity) == 0;
        return offered ? (int) Math.min(capsule - COMMAND_BYTES, TransferLimits.MOST_BYTES) : 0;
    }

    private void undo() {
        if (admin != null) {
            admin.fail("bring-up failed");
        }
        if (thread != null) {
            thread.close();
        }
        if (admin != null) {
            admin.close();
        } else if (connection != null) {
            connection.close();
        }
    }

    /** Shorter than a shutdown may take by its own word: nobody waits for long. */
    static Duration shutdownBound(RunningController was) {
        long millis = Math.clamp(was.shutdownBound().toMillis(), 1_000, 10_000);
        return Duration.ofMillis(millis);
    }
}
