package io.doorbell.nvme;

/** VS, and VER in Identify Controller: the revision a controller implements. NVMe Base 2.1 §3.1.4.2 "Offset 8h: VS". */
public record Version(int raw) implements Comparable<Version> {
    public static final Version NVME_1_0 = of(1, 0, 0);
    public static final Version NVME_1_1 = of(1, 1, 0);
    public static final Version NVME_1_2 = of(1, 2, 0);
    public static final Version NVME_1_2_1 = of(1, 2, 1);
    public static final Version NVME_1_3 = of(1, 3, 0);
    public static final Version NVME_1_4 = of(1, 4, 0);
    public static final Version NVME_2_0 = of(2, 0, 0);
    public static final Version NVME_2_1 = of(2, 1, 0);

    public static Version of(int major, int minor, int tertiary) {
        return new Version(major << 16 | (minor & 0xFF) << 8 | tertiary & 0xFF);
    }

    public int major() {
        return raw >>> 16;
    }

    public int minor() {
        return raw >> 8 & 0xFF;
    }

    public int tertiary() {
        return raw & 0xFF;
    }

    public boolean isAtLeast(Version other) {
        return compareTo(other) >= 0;
    }

    @Override
    public int compareTo(Version other) {
        return Integer.compareUnsigned(raw, other.raw);
    }

    /** As in {@code 2.1}, or {@code 1.2.1} where there is a third number. */
    @Override
    public String toString() {
        return major() + "." + minor() + (tertiary() == 0 ? "" : "." + tertiary());
    }
}
