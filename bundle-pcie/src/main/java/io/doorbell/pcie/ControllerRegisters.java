package io.doorbell.pcie;

import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Version;
import io.doorbell.pci.PciAccess;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * The registers of a controller, and the waits for them. NVMe Base 2.1 §3.5 "Controller Initialization" and §3.6 "Shutdown
 * Processing". Control plane; messages say what was read and what was expected.
 */
final class ControllerRegisters {
    private static final long POLL_NANOS = 200_000;

    /** Controllers are seen that report a timeout of 0, and mean that they are quick. */
    private static final Duration SHORTEST_READY_BOUND = Duration.ofMillis(500);

    private static final int CRTO_UNIT_MILLIS = 500;

    private final PciAccess access;
    private final String name;
    private final Duration longestReadyBound;
    private final Duration disablePause;

    /**
     * @param longestReadyBound however long the controller says that it takes: CRTO can say nine hours
     */
    ControllerRegisters(PciAccess access, String name, Duration longestReadyBound) {
        this(access, name, longestReadyBound, Duration.ZERO);
    }

    /** @param disablePause how long CSTS.RDY is not looked at after CC.EN was cleared */
    ControllerRegisters(PciAccess access, String name, Duration longestReadyBound, Duration disablePause) {
        this.disablePause = disablePause;
        this.access = access;
        this.name = name;
        this.longestReadyBound = longestReadyBound;
    }

    ControllerCapabilities cap() {
        long raw = access.readRegister64(Registers.CAP);
        if (raw == -1L) {
            throw gone("CAP");
        }
        return new ControllerCapabilities(raw);
    }

    Version vs() {
        return new Version(access.readRegister32(Registers.VS));
    }

    ControllerConfiguration cc() {
        int raw = access.readRegister32(Registers.CC);
        if (raw == Registers.GONE) {
            throw gone("CC");
        }
        return new ControllerConfiguration(raw);
    }

    void cc(ControllerConfiguration cc) {
        access.writeRegister32(Registers.CC, cc.raw());
    }

    /** As read: may be {@linkplain ControllerStatus#isGone gone}, or fatal. */
    ControllerStatus csts() {
        return new ControllerStatus(access.readRegister32(Registers.CSTS));
    }

    /** Any property; all ones are none that a controller can have. */
    long property(int offset, int bytes) {
        if (bytes != 4 && bytes != 8) {
            throw new IllegalArgumentException(Registers.name(offset) + " in " + bytes + " bytes: 4 or 8");
        }
        long raw = bytes == 8 ? access.readRegister64(offset) : Integer.toUnsignedLong(access.readRegister32(offset));
        if (raw == (bytes == 8 ? -1L : 0xFFFF_FFFFL) && csts().isGone()) {
            throw gone(Registers.name(offset));
        }
        return raw;
    }

    /** NVMe Base 2.1 §3.7.1 "NVM Subsystem Reset". What it does to CC and CSTS is for the next bring-up to see. */
    void resetSubsystem() {
        access.writeRegister32(Registers.NSSR, Registers.NSSR_MAGIC);
    }

    /**
     * Waits while the controller has stopped processing commands, as it may to activate firmware.
     *
     * @return whether it goes on
     */
    boolean awaitProcessing(Duration bound) {
        return !poll(bound, csts -> !csts.pp()).pp();
    }

    void adminQueues(int submissionEntries, int completionEntries, long submissionIova, long completionIova) {
        access.writeRegister32(Registers.AQA, Registers.aqa(submissionEntries, completionEntries));
        access.writeRegister64(Registers.ASQ, submissionIova);
        access.writeRegister64(Registers.ACQ, completionIova);
    }

    /** How long CSTS.RDY may take to follow CC.EN. */
    Duration readyBound(ControllerCapabilities cap) {
        var bound = Duration.ofMillis(cap.timeoutMillis());
        if (cap.crwms() || cap.crims()) {
            // Controller Ready With Media Timeout, bits 15:0: larger than what CAP.TO can say.
            int crwmt = access.readRegister32(Registers.CRTO) & 0xFFFF;
            bound = longer(bound, Duration.ofMillis((long) crwmt * CRTO_UNIT_MILLIS));
        }
        bound = longer(bound, SHORTEST_READY_BOUND);
        return bound.compareTo(longestReadyBound) <= 0 ? bound : longestReadyBound;
    }

    /**
     * Clears CC.EN and waits for CSTS.RDY to follow. From then on the controller reaches no memory of ours.
     *
     * @throws NvmeException when it does not, or is gone
     */
    void disable(Duration bound) {
        var cc = cc();
        if (cc.en() && !csts().rdy() && !csts().cfs()) {
            // It is just being enabled: to disable it now is not defined (§3.1.4.5, EN). If it never gets there, we do
            // it anyway.
            poll(bound, csts -> csts.rdy() || csts.cfs());
        }
        if (cc.en()) {
            cc(cc.withEn(false).withShn(ControllerConfiguration.SHN_NONE));
            pause(disablePause);
        }
        var csts = poll(bound, status -> !status.rdy());
        if (csts.rdy()) {
            throw stalled("CSTS.RDY 0 after CC.EN was cleared", bound, csts);
        }
    }

    /** Writes CC with EN set and waits for CSTS.RDY. */
    void enable(ControllerConfiguration cc, Duration bound) {
        cc(cc.withEn(true));
        var csts = poll(bound, status -> status.rdy() || status.cfs());
        if (csts.cfs()) {
            throw new NvmeException(NvmeException.Kind.RESET, name, "enabling: controller fatal status, " + describe());
        }
        if (!csts.rdy()) {
            throw stalled("CSTS.RDY 1 after CC.EN was set", bound, csts);
        }
    }

    /** Asks for a normal shutdown, and waits. Returns whether the controller reported that it is complete. */
    boolean shutdown(Duration bound) {
        cc(cc().withShn(ControllerConfiguration.SHN_NORMAL));
        return poll(bound, csts -> csts.shst() == ControllerStatus.SHST_COMPLETE || csts.cfs())
                        .shst()
                == ControllerStatus.SHST_COMPLETE;
    }

    /** CC and CSTS, for messages. */
    String describe() {
        var cc = access.readRegister32(Registers.CC);
        return (cc == Registers.GONE ? "CC[gone: all ones]" : new ControllerConfiguration(cc).toString()) + " "
                + csts();
    }

    /** Whoever interrupts: a device that needs it is in no state to be left. */
    static void pause(Duration duration) {
        long deadline = System.nanoTime() + duration.toNanos();
        boolean interrupted = false;
        for (long left = duration.toNanos(); left > 0; left = deadline - System.nanoTime()) {
            LockSupport.parkNanos(left);
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private interface Condition {
        boolean holds(ControllerStatus csts);
    }

    private ControllerStatus poll(Duration bound, Condition condition) {
        long deadline = System.nanoTime() + bound.toNanos();
        while (true) {
            // The clock first: a last look is taken after the deadline, however late this thread is woken.
            boolean late = System.nanoTime() - deadline > 0;
            var csts = csts();
            if (csts.isGone()) {
                throw gone("CSTS");
            }
            if (condition.holds(csts) || late) {
                return csts;
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    private NvmeException stalled(String expected, Duration bound, ControllerStatus last) {
        return new NvmeException(
                NvmeException.Kind.RESET,
                name,
                "expected " + expected + " within " + bound.toMillis() + " ms, but read " + last + ", " + cc());
    }

    private NvmeException gone(String register) {
        return new NvmeException(
                NvmeException.Kind.GIVE_UP, name, register + " reads all ones: the device has left the bus");
    }

    private static Duration longer(Duration a, Duration b) {
        return a.compareTo(b) >= 0 ? a : b;
    }
}
