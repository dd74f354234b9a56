package io.doorbell.nvme;

/**
 * CAP, what the controller can do. NVMe Base 2.1 §3.1.4.1 "Offset 0h: CAP".
 *
 * <p>Built from {@link #NONE} by the {@code with…} methods; each returns a new value.
 */
public record ControllerCapabilities(long raw) {
    /** All zero: nothing a controller may report, but where building one starts. */
    public static final ControllerCapabilities NONE = new ControllerCapabilities(0);

    /** CSS bits: the NVM Command Set; one or more sets chosen by CSI; no set at all, admin commands only. */
    public static final int CSS_NVM = 1;

    public static final int CSS_IO_COMMAND_SETS = 1 << 6;
    public static final int CSS_ADMIN_ONLY = 1 << 7;

    private static final int TIMEOUT_UNIT_MILLIS = 500;

    /** Maximum Queue Entries Supported, 0's based. */
    public int mqesZeroBased() {
        return (int) raw & 0xFFFF;
    }

    /** The ordinary count: 2 to 65,536. */
    public int maxQueueEntries() {
        return mqesZeroBased() + 1;
    }

    /** Contiguous Queues Required. */
    public boolean cqr() {
        return bit(16);
    }

    /** Arbitration Mechanisms Supported beside round robin: bit 0 weighted round robin, bit 1 vendor specific. */
    public int ams() {
        return bits(17, 2);
    }

    /** How long CSTS.RDY may take to follow CC.EN, and CSTS.SHST to follow CC.SHN. */
    public int timeoutMillis() {
        return bits(24, 8) * TIMEOUT_UNIT_MILLIS;
    }

    /** Doorbell Stride: doorbells are {@code 4 << dstrd} bytes apart. */
    public int dstrd() {
        return bits(32, 4);
    }

    /** NVM Subsystem Reset Supported. */
    public boolean nssrs() {
        return bit(36);
    }

    /** Command Sets Supported. */
    public int css() {
        return bits(37, 8);
    }

    /** Boot Partition Support. */
    public boolean bps() {
        return bit(45);
    }

    /** Memory Page Size Minimum: what CC.MPS counts in, as a power of two above 4,096. */
    public int mpsmin() {
        return bits(48, 4);
    }

    public int mpsmax() {
        return bits(52, 4);
    }

    public int minPageBytes() {
        return 4096 << mpsmin();
    }

    public int maxPageBytes() {
        return 4096 << mpsmax();
    }

    /** Persistent Memory Region Supported. */
    public boolean pmrs() {
        return bit(56);
    }

    /** Controller Memory Buffer Supported. */
    public boolean cmbs() {
        return bit(57);
    }

    /** NVM Subsystem Shutdown Supported. */
    public boolean nsss() {
        return bit(58);
    }

    /** Controller Ready With Media Support. */
    public boolean crwms() {
        return bit(59);
    }

    /** Controller Ready Independent of Media Support. */
    public boolean crims() {
        return bit(60);
    }

    public ControllerCapabilities withMaxQueueEntries(int entries) {
        if (entries < Registers.MIN_QUEUE_ENTRIES) {
            throw new IllegalArgumentException("a queue has at least 2 entries, not " + entries);
        }
        return with(0, 16, entries - 1);
    }

    public ControllerCapabilities withCqr(boolean contiguousQueuesRequired) {
        return with(16, 1, contiguousQueuesRequired ? 1 : 0);
    }

    public ControllerCapabilities withAms(int ams) {
        return with(17, 2, ams);
    }

    /** Rounds up to the register's unit of 500 ms. */
    public ControllerCapabilities withTimeoutMillis(int timeoutMillis) {
        return with(24, 8, Math.ceilDiv(timeoutMillis, TIMEOUT_UNIT_MILLIS));
    }

    public ControllerCapabilities withDstrd(int dstrd) {
        return with(32, 4, dstrd);
    }

    public ControllerCapabilities withNssrs(boolean subsystemResetSupported) {
        return with(36, 1, subsystemResetSupported ? 1 : 0);
    }

    public ControllerCapabilities withCss(int css) {
        return with(37, 8, css);
    }

    public ControllerCapabilities withMpsmin(int mpsmin) {
        return with(48, 4, mpsmin);
    }

    public ControllerCapabilities withMpsmax(int mpsmax) {
        return with(52, 4, mpsmax);
    }

    public ControllerCapabilities withCrwms(boolean readyWithMediaSupported) {
        return with(59, 1, readyWithMediaSupported ? 1 : 0);
    }

    public ControllerCapabilities withCrims(boolean readyIndependentOfMediaSupported) {
        return with(60, 1, readyIndependentOfMediaSupported ? 1 : 0);
    }

    @Override
    public String toString() {
        return "CAP[queues of up to " + maxQueueEntries() + " entries, timeout " + timeoutMillis() + " ms, dstrd "
                + dstrd() + ", css " + Integer.toHexString(css()) + "h, pages " + minPageBytes() + " to "
                + maxPageBytes() + " bytes]";
    }

    private boolean bit(int position) {
        return (raw >>> position & 1) != 0;
    }

    private int bits(int position, int count) {
        return (int) (raw >>> position) & (1 << count) - 1;
    }

    private ControllerCapabilities with(int position, int count, int value) {
        return new ControllerCapabilities(BitField.replace(raw, position, count, value));
    }
}
