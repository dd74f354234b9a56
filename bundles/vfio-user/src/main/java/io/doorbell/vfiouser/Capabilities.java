package io.doorbell.vfiouser;

import java.math.BigDecimal;
import java.util.Map;

/**
 * What one side can take, said in VERSION. What we do not know is ignored; what is missing has its default.
 *
 * @param maxDescriptors the most descriptors in one message to the sender
 * @param maxDataBytes the most data in one message, read or written
 * @param maxDmaMaps the most regions mapped at one time
 * @param pageSizes the sizes of page in which memory can be mapped, or'ed
 */
public record Capabilities(int maxDescriptors, int maxDataBytes, int maxDmaMaps, long pageSizes) {
    /** Of a side that says nothing. */
    public static final Capabilities DEFAULT = new Capabilities(1, Header.MAX_DATA_BYTES, 65_535, 4096);

    /**
     * Reads the version data, empty for none.
     *
     * @throws ProtocolException if it is not JSON, or a value is not what it should be
     */
    static Capabilities parse(String json) {
        if (json.isBlank()) {
            return DEFAULT;
        }
        if (!(Json.parse(json) instanceof Map<?, ?> all)) {
            throw new ProtocolException("version data that is not an object");
        }
        var member = all.get("capabilities");
        if (member == null) {
            return DEFAULT;
        }
        if (!(member instanceof Map<?, ?> capabilities)) {
            throw new ProtocolException("capabilities that are not an object");
        }
        return new Capabilities(
                (int) number(capabilities, "max_msg_fds", DEFAULT.maxDescriptors, 0, Integer.MAX_VALUE),
                (int) number(capabilities, "max_data_xfer_size", DEFAULT.maxDataBytes, 1, Integer.MAX_VALUE),
                (int) number(capabilities, "max_dma_maps", DEFAULT.maxDmaMaps, 1, Integer.MAX_VALUE),
                number(capabilities, "pgsizes", DEFAULT.pageSizes, 1, Long.MAX_VALUE));
    }

    private static long number(Map<?, ?> capabilities, String name, long otherwise, long least, long most) {
        var value = capabilities.get(name);
        if (value == null) {
            return otherwise;
        }
        // Compared before it is made a long: what it holds beyond that would be lost.
        if (!(value instanceof BigDecimal number)
                || number.compareTo(BigDecimal.valueOf(least)) < 0
                || number.compareTo(BigDecimal.valueOf(most)) > 0) {
            throw new ProtocolException(name + " that is not a number from " + least + " to " + most);
        }
        return number.longValue();
    }

    String json() {
        return "{\"capabilities\":{\"max_msg_fds\":" + maxDescriptors + ",\"max_data_xfer_size\":" + maxDataBytes
                + ",\"max_dma_maps\":" + maxDmaMaps + ",\"pgsizes\":" + pageSizes + "}}";
    }
}
