package io.doorbell.vfiouser;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
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
        var member = object(json).get("capabilities");
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

    private static Map<String, Object> object(String json) {
        try {
            return JSON.std.mapFrom(json);
        } catch (IOException none) {
            throw new ProtocolException("version data that is not a JSON object");
        }
    }

    private static long number(Map<?, ?> capabilities, String name, long otherwise, long least, long most) {
        return switch (capabilities.get(name)) {
            case null -> otherwise;
            case Integer number when number >= least && number <= most -> number;
            case Long number when number >= least && number <= most -> number;
            default -> throw new ProtocolException(name + " that is not a whole number from " + least + " to " + most);
        };
    }

    String json() {
        return "{\"capabilities\":{\"max_msg_fds\":" + maxDescriptors + ",\"max_data_xfer_size\":" + maxDataBytes
                + ",\"max_dma_maps\":" + maxDmaMaps + ",\"pgsizes\":" + pageSizes + "}}";
    }
}
