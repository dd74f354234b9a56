package io.doorbell.lab.host;

/** The lab cannot run on this machine, and why. No failure of ours. */
final class Skipped extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Skipped(String why) {
        super(why);
    }
}
