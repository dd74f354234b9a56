package io.doorbell.target;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The host of a controller, as its transport knows it: Connect of NVMe over Fabrics names it, PCI does not.
 *
 * @param nqn empty where it is not known
 * @param idLow the Host Identifier's bytes 0 to 7 as a little-endian number
 * @param idHigh its bytes 8 to 15; both zero where it is not known
 */
public record HostIdentity(String nqn, long idLow, long idHigh) {
    /** A host may still name itself, by the feature Host Identifier. */
    public static final HostIdentity UNKNOWN = new HostIdentity("", 0, 0);

    /** What operators see of a host on a network that connects without a name; no qualified name is like it. */
    public static final String UNNAMED = "unnamed";

    /** @param id the 16 bytes of Connect's HOSTID */
    public static HostIdentity of(String nqn, byte[] id) {
        var bytes = MemorySegment.ofArray(id);
        var littleEndian = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
        return new HostIdentity(nqn, bytes.get(littleEndian, 0), bytes.get(littleEndian, 8));
    }

    /** Its name for operators, of a host on a network: what is no qualified name is not taken for one, nor for a row of ours. */
    public String shown() {
        return nqn.startsWith("nqn.") ? nqn : nqn.isEmpty() ? UNNAMED : UNNAMED + ":" + nqn;
    }

    public boolean hasId() {
        return (idLow | idHigh) != 0;
    }
}
