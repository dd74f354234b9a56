package io.doorbell.nvme;

/** CC, what the host asks of the controller. NVMe Base 2.1 §3.1.4.5 "Offset 14h: CC". */
public record ControllerConfiguration(int raw) {
    /** All zero: disabled, as after a reset. */
    public static final ControllerConfiguration DISABLED = new ControllerConfiguration(0);

    /** CSS: the NVM Command Set; all supported sets, chosen by CSI; admin commands only. */
    public static final int CSS_NVM = 0;

    public static final int CSS_IO_COMMAND_SETS = 6;
    public static final int CSS_ADMIN_ONLY = 7;

    /** SHN: no, a normal, an abrupt shutdown is wanted. */
    public static final int SHN_NONE = 0;

    public static final int SHN_NORMAL = 1;
    public static final int SHN_ABRUPT = 2;

    /** Enable. */
    public boolean en() {
        return (raw & 1) != 0;
    }

    /** I/O Command Set Selected. */
    public int css() {
        return raw >> 4 & 7;
    }

    /** Memory Page Size as a power of two above 4,096. */
    public int mps() {
        return raw >> 7 & 0xF;
    }

    public int pageBytes() {
        return 4096 << mps();
    }

    /** Arbitration Mechanism Selected: 0 is round robin. */
    public int ams() {
        return raw >> 11 & 7;
    }

    /** Shutdown Notification. */
    public int shn() {
        return raw >> 14 & 3;
    }

    /** I/O Submission Queue Entry Size as a power of two: 6 for 64 bytes. */
    public int iosqes() {
        return raw >> 16 & 0xF;
    }

    /** I/O Completion Queue Entry Size as a power of two: 4 for 16 bytes. */
    public int iocqes() {
        return raw >> 20 & 0xF;
    }

    /** Controller Ready Independent of Media Enable. */
    public boolean crime() {
        return (raw >> 24 & 1) != 0;
    }

    public ControllerConfiguration withEn(boolean enabled) {
        return with(0, 1, enabled ? 1 : 0);
    }

    public ControllerConfiguration withCss(int css) {
        return with(4, 3, css);
    }

    public ControllerConfiguration withMps(int mps) {
        return with(7, 4, mps);
    }

    public ControllerConfiguration withAms(int ams) {
        return with(11, 3, ams);
    }

    public ControllerConfiguration withShn(int shn) {
        return with(14, 2, shn);
    }

    public ControllerConfiguration withIosqes(int iosqes) {
        return with(16, 4, iosqes);
    }

    public ControllerConfiguration withIocqes(int iocqes) {
        return with(20, 4, iocqes);
    }

    public ControllerConfiguration withCrime(boolean readyIndependentOfMedia) {
        return with(24, 1, readyIndependentOfMedia ? 1 : 0);
    }

    @Override
    public String toString() {
        return "CC[" + (en() ? "enabled" : "disabled") + ", css " + css() + ", pages of " + pageBytes() + " bytes, ams "
                + ams() + ", shn " + shn() + ", iosqes " + iosqes() + ", iocqes " + iocqes() + "]";
    }

    private ControllerConfiguration with(int position, int count, int value) {
        return new ControllerConfiguration((int) BitField.replace(raw, position, count, value));
    }
}
