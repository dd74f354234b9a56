package io.doorbell.management;

import java.util.List;
import java.util.SortedMap;

/** How the node is. */
@Description("How the node is: each check, and what is wrong now. A change is an event, alarm.raised or alarm.cleared.")
public interface HealthMXBean {

    @Description("Checks by name. status is OK, WARN, TEMPORARILY_UNAVAILABLE, CRITICAL or HEALTH_CHECK_ERROR; problems"
            + " say what and what to do, none where all is well; message is all of them in a line; sinceMillis is ms since"
            + " 1970.")
    SortedMap<String, CheckRow> getChecks();

    @Description("Those checks that are not OK.")
    List<CheckRow> getAlarms();

    @Description("Whether the process serves; where not, it is to be started anew.")
    boolean isLive();

    @Description("Whether hosts get what they are to get.")
    boolean isReady();

    /** A check as an operator sees it. */
    record CheckRow(
            String name, String status, List<String> problems, String message, List<String> tags, long sinceMillis) {
        boolean isOk() {
            return status.equals("OK");
        }

        /** Whether it keeps a node from being live, or ready. */
        boolean serves() {
            return isOk() || status.equals("WARN");
        }
    }
}
