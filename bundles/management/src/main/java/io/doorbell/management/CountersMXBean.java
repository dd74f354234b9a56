package io.doorbell.management;

import java.util.SortedMap;

/** Counters of a transport. */
@Description("What a transport counts.")
public interface CountersMXBean {

    @Description("Counters by listener (TCP) or device (RDMA), then by name: since it listens, or since the device is"
            + " there.")
    SortedMap<String, SortedMap<String, Long>> getCounters();
}
