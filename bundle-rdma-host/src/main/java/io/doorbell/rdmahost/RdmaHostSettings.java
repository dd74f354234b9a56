package io.doorbell.rdmahost;

/**
 * What of an NVMe/RDMA initiator is the host's to choose.
 *
 * @param reactors threads that share the connections of a controller
 * @param memoryMebibytes memory of a controller for data
 */
public record RdmaHostSettings(int reactors, int memoryMebibytes) {
    public static final RdmaHostSettings DEFAULTS = new RdmaHostSettings(1, 1024);

    static final int MOST_REACTORS = 8;
    static final int MOST_MEBIBYTES = 65_536;

    public RdmaHostSettings {
        if (reactors < 1 || reactors > MOST_REACTORS) {
            throw new IllegalArgumentException("reactors " + reactors + ": 1 to " + MOST_REACTORS);
        }
        if (memoryMebibytes < 8 || memoryMebibytes > MOST_MEBIBYTES) {
            throw new IllegalArgumentException("memory " + memoryMebibytes + " MiB: 8 to " + MOST_MEBIBYTES);
        }
    }
}
