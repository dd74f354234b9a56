package io.doorbell.driver;

import io.doorbell.host.ControllerInfo;
import java.time.Duration;

/**
 * A controller that runs, until it is disabled.
 *
 * @param reader reads its namespaces anew
 * @param namespaces as they were when it was brought up
 * @param keepAlive interval between two Keep Alive commands, zero for none
 * @param trafficKeepsAlive whether other commands are as good as Keep Alive (CTRATT.TBKAS)
 * @param eventRequests Asynchronous Event Requests the controller takes, up to our own limit
 * @param shutdownBound how long it takes to shut down, by its own word
 */
public record RunningController(
        AdminQueue admin,
        AdminThread thread,
        ControllerInfo info,
        NamespaceReader reader,
        NamespaceReader.Read namespaces,
        TransferLimits limits,
        RetryPolicy retry,
        Duration keepAlive,
        boolean trafficKeepsAlive,
        int eventRequests,
        Duration shutdownBound) {}
