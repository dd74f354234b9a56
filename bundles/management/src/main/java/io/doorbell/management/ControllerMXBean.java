package io.doorbell.management;

import io.doorbell.host.ControllerState;
import java.util.SortedMap;

/** One NVMe controller. */
@Description("An NVMe controller that a driver of this node has brought up.")
public interface ControllerMXBean {

    @Description("Transport id: where the controller is.")
    String getTransportId();

    @Description("READY, RESETTING, FAILED or REMOVED.")
    ControllerState getState();

    @Description("Serial number.")
    String getSerial();

    @Description("Model number.")
    String getModel();

    @Description("Firmware revision.")
    String getFirmware();

    @Description("Version of the NVMe specification it follows.")
    String getVersion();

    @Description("Controller id within its subsystem.")
    int getControllerId();

    @Description("Longest transfer of one command, bytes.")
    int getMaxTransferBytes();

    @Description("I/O queue pairs the controller granted.")
    int getIoQueuePairs();

    @Description("Entries of the largest queue.")
    int getMaxQueueEntries();

    @Description("Whether doorbells go through shared memory (Doorbell Buffer Config).")
    boolean isShadowDoorbells();

    @Description("Active namespaces, by nsid. blockCount, optimalBoundaryBlocks and zoneBlocks are logical blocks,"
            + " blockBytes and metadataBytes are bytes.")
    SortedMap<Integer, ManagedNamespace> getNamespaces();
}
