package io.doorbell.host;

/** Life of a controller as its driver sees it. */
public enum ControllerState {
    /** Usable. */
    READY,
    /** Being reset: queue pairs are lost, new ones can be made when it is READY again. */
    RESETTING,
    /** Failed and not recovered by a reset. */
    FAILED,
    /** Gone from its bus, or its driver is closing it. */
    REMOVED
}
