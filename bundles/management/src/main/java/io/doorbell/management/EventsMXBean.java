package io.doorbell.management;

import java.util.List;

/** What happened. */
@Description("What happened in the node: leases, links, controllers, bundles, alarms. Each event is a notification"
        + " io.doorbell.event.KIND too, with the event as its user data.")
public interface EventsMXBean {

    @Description("The latest events, oldest first, a bounded number. id grows by one with each; timeMillis is ms since"
            + " 1970.")
    List<NodeEvent> getEvents();

    @Description(
            "Id of the latest event, 0 where there was none: those who look again and again see whether there are new"
                    + " ones.")
    long getLatestId();

    @Description("Notifications that were dropped since the node started, as a listener was too slow.")
    long getDroppedNotifications();
}
