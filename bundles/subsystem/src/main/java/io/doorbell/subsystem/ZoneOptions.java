package io.doorbell.subsystem;

import io.doorbell.storage.NamespaceShape;
import io.doorbell.storage.NamespaceSpec;

/**
 * How a namespace is divided into zones, as configuration spells it behind the namespace:
 * {@code ;zoned=16MiB;capacity=12MiB;open=8;active=12}.
 *
 * @param zoneBytes a power of two, which is what Linux takes
 * @param capacityBytes what of it can be written
 * @param maxOpen zones open at a time, 0 for any number
 * @param maxActive zones open or closed at a time, 0 for any number
 */
record ZoneOptions(long zoneBytes, long capacityBytes, int maxOpen, int maxActive) {
    /** Zones of one namespace. */
    static final int MAX_ZONES = 65_536;

    /** Blocks of one zone: an int holds them. */
    static final long MAX_ZONE_BLOCKS = 1 << 30;

    private static final String FORM = "zoned=SIZE[;capacity=SIZE][;open=N][;active=N]";

    ZoneOptions {
        if (zoneBytes < 4096 || Long.bitCount(zoneBytes) != 1) {
            throw new IllegalArgumentException("zone size " + zoneBytes + ": a power of two, from 4096 on");
        }
        if (capacityBytes < 1 || capacityBytes > zoneBytes) {
            throw new IllegalArgumentException(
                    "zone capacity " + capacityBytes + ": from one block to the zone size, " + zoneBytes);
        }
        if (maxOpen < 0 || maxActive < 0 || (maxActive != 0 && maxOpen > maxActive)) {
            throw new IllegalArgumentException("open zones " + maxOpen + " and active zones " + maxActive
                    + ": 0 for no limit, and open ones are active");
        }
    }

    /** What stands behind the first semicolon. */
    static ZoneOptions parse(String text) {
        long zone = 0;
        long capacity = 0;
        int open = 0;
        int active = 0;
        for (String option : text.split(";")) {
            int equals = option.indexOf('=');
            String key = equals < 0 ? option : option.substring(0, equals).trim();
            String value = equals < 0 ? "" : option.substring(equals + 1).trim();
            switch (key) {
                case "zoned" -> zone = NamespaceSpec.bytes(value, text);
                case "capacity" -> capacity = NamespaceSpec.bytes(value, text);
                case "open" -> open = count(key, value);
                case "active" -> active = count(key, value);
                default -> throw new IllegalArgumentException("\"" + option + "\": the form is " + FORM);
            }
        }
        return new ZoneOptions(zone, capacity == 0 ? zone : capacity, open, active);
    }

    private static int count(String key, String value) {
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(key + " = \"" + value + "\": a number of zones", e);
        }
    }

    /**
     * In blocks of a namespace.
     *
     * @throws IllegalArgumentException when they do not divide it
     */
    ZoneLayout of(NamespaceShape shape) {
        int block = shape.blockBytes();
        if (shape.byteSize() % zoneBytes != 0 || capacityBytes % block != 0) {
            throw new IllegalArgumentException("zones of " + zoneBytes + " bytes with a capacity of " + capacityBytes
                    + ": a whole number of zones in " + shape.byteSize() + " bytes, and of blocks of " + block
                    + " bytes in a zone");
        }
        if (shape.format().metadataBytes() != 0) {
            throw new IllegalArgumentException("zones of blocks with metadata, " + shape.format() + ": without");
        }
        if (zoneBytes / block > MAX_ZONE_BLOCKS) {
            throw new IllegalArgumentException(
                    "zones of " + zoneBytes + " bytes: at most " + MAX_ZONE_BLOCKS + " blocks of " + block + " bytes");
        }
        if (shape.byteSize() / zoneBytes > MAX_ZONES) {
            throw new IllegalArgumentException(
                    shape.byteSize() / zoneBytes + " zones in " + shape.byteSize() + " bytes: at most " + MAX_ZONES);
        }
        return new ZoneLayout(
                Long.numberOfTrailingZeros(zoneBytes / block),
                capacityBytes / block,
                (int) (shape.byteSize() / zoneBytes),
                maxOpen,
                maxActive);
    }

    @Override
    public String toString() {
        return "zoned=" + zoneBytes + ";capacity=" + capacityBytes + ";open=" + maxOpen + ";active=" + maxActive;
    }
}
