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

    @Description(
            "What its SMART log said when it was read last, which is every half minute: readAtMillis is ms since 1970,"
                    + " 0 before the first time; temperatureCelsius °C; percentageUsed % of its expected life;"
                    + " criticalWarning bits 0 spare, 1 temperature, 2 reliability, 3 read only, 4 backup.")
    ControllerHealth getHealth();

    @Description(
            "Resets the controller: its leases end, and holders that want to go on get new ones. Returns when it has"
                    + " been reset.")
    void reset(@Description("Why, in some words: for the log and for holders") String reason);
}
