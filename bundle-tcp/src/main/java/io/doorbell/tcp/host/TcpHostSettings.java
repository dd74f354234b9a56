package io.doorbell.tcp.host;

/**
 * What of an NVMe/TCP connection is the host's to choose.
 *
 * @param headerDigest whether a checksum of each header is asked for
 * @param dataDigest whether one of all data is
 * @param memoryMebibytes memory of a controller, for connections and data
 */
public record TcpHostSettings(boolean headerDigest, boolean dataDigest, int memoryMebibytes) {
    public static final TcpHostSettings DEFAULTS = new TcpHostSettings(false, false, 1024);

    public TcpHostSettings {
        if (memoryMebibytes < 8 || memoryMebibytes > HostMemory.MOST_MEBIBYTES) {
            throw new IllegalArgumentException("memory " + memoryMebibytes + " MiB: 8 to " + HostMemory.MOST_MEBIBYTES);
        }
    }

    public TcpHostSettings withDigests(boolean header, boolean data) {
        return new TcpHostSettings(header, data, memoryMebibytes);
    }
}
