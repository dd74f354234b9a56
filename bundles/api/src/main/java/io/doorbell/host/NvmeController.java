package io.doorbell.host;

import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TransportId;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;

/**
 * An NVMe controller, up and running (a service of the driver that brought it up, with the property
 * {@link #TRID_PROPERTY}). Control plane: any thread; admin commands are ordinary blocking calls. Here they are raw;
 * {@code io.doorbell.host.admin} has one method for each of them. Raw I/O commands go through {@link QueuePair#submit}.
 *
 * <p>In a node only the resource manager makes queue pairs, everyone else leases them. A program that uses a driver
 * without a container makes its own, with an arena of its own.
 */
public interface NvmeController {
    /** Service property: the transport id as a string, {@code trtype:… traddr:…}. */
    String TRID_PROPERTY = "doorbell.trid";

    TransportId transportId();

    ControllerInfo info();

    ControllerState state();

    /** The active namespaces, by nsid. A snapshot. */
    List<NvmeNamespace> namespaces();

    /**
     * Executes one admin command and waits.
     *
     * @param data moved to or from the device as the opcode says (its two low bits), or null
     * @throws NvmeException with the status when the command fails, when it does not end within the
     *     bound (it is then aborted, and the controller reset if that does not help), or when the controller is gone
     */
    AdminCompletion admin(NvmCommand command, MemorySegment data, Duration bound);

    /**
     * Makes an I/O queue pair: rings, doorbell words and trackers' lists are reached through views that live as long as
     * {@code arena}, so that closing it fences whoever still holds the queue pair. The memory itself is the
     * controller's, freed after {@link QueuePairControl#delete} and {@link QueuePairControl#fenced}.
     *
     * @throws NvmeException when the controller refuses; whatever was made part-way is undone
     */
    QueuePairControl createQueuePair(QueuePairOptions options, Arena arena);

    /** Memory for data, reachable by this controller, seen through a view that lives as long as {@code arena}. */
    DmaAllocation allocateDma(long bytes, Arena arena);

    void addListener(ControllerListener listener);

    void removeListener(ControllerListener listener);

    /** Disables the controller, waits for it, and enables it anew. Every queue pair is lost. */
    void reset(String reason);

    /**
     * Resets the NVM subsystem (NVMe Base 2.1 §3.7.1 "NVM Subsystem Reset"): all of its controllers, those of other hosts
     * too, then brings this one up again as {@link #reset} does.
     *
     * @throws NvmeException of kind {@code GIVE_UP} where CAP.NSSRS does not offer it, or the transport cannot
     */
    default void resetSubsystem(String reason) {
        throw new NvmeException(
                NvmeException.Kind.GIVE_UP, transportId() + ", NVM subsystem reset", "is not offered here");
    }

    /**
     * Reads a controller property: a register of BAR0, or Property Get (NVMe Base 2.1 §3.1.4 "Controller Properties").
     *
     * @param offset one of {@link io.doorbell.nvme.Registers}
     * @param bytes 4 or 8
     * @return the value, four bytes zero extended
     * @throws NvmeException when the controller is gone, or its properties cannot be read
     */
    default long property(int offset, int bytes) {
        throw new NvmeException(
                NvmeException.Kind.GIVE_UP, transportId() + ", reading a property", "cannot be done here");
    }

    /** Most data of one {@link #admin} command, bytes; a multiple of 4096. */
    default int maxAdminDataBytes() {
        return 4096;
    }

    /**
     * Reads the active namespaces anew, and tells the listeners. A controller reports what others change, but not what
     * this host changed itself, by Namespace Attachment or Format NVM: whoever does that calls this after it.
     */
    default void refreshNamespaces() {}
}
