package io.doorbell.target;

import io.doorbell.statistics.LatencySnapshot;

/**
 * What one host has done with one namespace since the node started, or the sum of several such.
 *
 * @param nsid namespace identifier; a namespace that comes after another with the same one goes on counting
 * @param hostNqn empty for hosts on PCI, which have no name; {@link HostIdentity#UNNAMED} for those on a network without one; {@link #OTHERS} for those that came when too many had been counted
 * @param readCommands Read, Compare and Verify that were executed
 * @param writeCommands Write and Zone Append
 * @param otherCommands everything else, Flush say
 * @param failedCommands those that ended with a status other than success, after they were admitted
 * @param readBytes that Read and Compare moved, and that Verify looked at
 * @param readLatency from when the namespace was given a command until its end; of some commands, see {@code LatencySnapshot.samples}
 */
public record IoUsage(
        int nsid,
        String hostNqn,
        long readCommands,
        long writeCommands,
        long otherCommands,
        long failedCommands,
        long readBytes,
        long writtenBytes,
        LatencySnapshot readLatency,
        LatencySnapshot writeLatency) {
    /** The name under which hosts are counted that nobody has a row for any more. */
    public static final String OTHERS = "*";

    public static IoUsage none(int nsid, String hostNqn) {
        return new IoUsage(nsid, hostNqn, 0, 0, 0, 0, 0, 0, LatencySnapshot.EMPTY, LatencySnapshot.EMPTY);
    }

    /** The sum, with the names of this one. */
    public IoUsage plus(IoUsage other) {
        return new IoUsage(
                nsid,
                hostNqn,
                readCommands + other.readCommands,
                writeCommands + other.writeCommands,
                otherCommands + other.otherCommands,
                failedCommands + other.failedCommands,
                readBytes + other.readBytes,
                writtenBytes + other.writtenBytes,
                readLatency.plus(other.readLatency),
                writeLatency.plus(other.writeLatency));
    }
}
