package io.doorbell.nvme;

/** CSTS, how the controller is. NVMe Base 2.1 §3.1.4.6 "Offset 1Ch: CSTS". */
public record ControllerStatus(int raw) {
    /** All zero: not ready, nothing wrong. */
    public static final ControllerStatus NOT_READY = new ControllerStatus(0);

    /** SHST: in operation, shutting down, shut down. */
    public static final int SHST_NORMAL = 0;

    public static final int SHST_OCCURRING = 1;
    public static final int SHST_COMPLETE = 2;

    /** Ready. */
    public boolean rdy() {
        return (raw & 1) != 0;
    }

    /** Controller Fatal Status. */
    public boolean cfs() {
        return (raw >> 1 & 1) != 0;
    }

    /** Shutdown Status. */
    public int shst() {
        return raw >> 2 & 3;
    }

    /** NVM Subsystem Reset Occurred. */
    public boolean nssro() {
        return (raw >> 4 & 1) != 0;
    }

    /** Processing Paused. */
    public boolean pp() {
        return (raw >> 5 & 1) != 0;
    }

    /** All ones: the load did not reach a controller, which has been removed or has lost its link. */
    public boolean isGone() {
        return raw == Registers.GONE;
    }

    public ControllerStatus withRdy(boolean ready) {
        return with(0, 1, ready ? 1 : 0);
    }

    public ControllerStatus withCfs(boolean fatal) {
        return with(1, 1, fatal ? 1 : 0);
    }

    public ControllerStatus withShst(int shst) {
        return with(2, 2, shst);
    }

    public ControllerStatus withNssro(boolean occurred) {
        return with(4, 1, occurred ? 1 : 0);
    }

    public ControllerStatus withPp(boolean paused) {
        return with(5, 1, paused ? 1 : 0);
    }

    @Override
    public String toString() {
        return isGone()
                ? "CSTS[gone: all ones]"
                : "CSTS[" + (rdy() ? "ready" : "not ready") + (cfs() ? ", fatal" : "") + ", shst " + shst()
                        + (nssro() ? ", nssro" : "") + (pp() ? ", paused" : "") + "]";
    }

    private ControllerStatus with(int position, int count, int value) {
        return new ControllerStatus((int) BitField.replace(raw, position, count, value));
    }
}
