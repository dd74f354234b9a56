package io.doorbell.management;

import java.util.List;

/** The last hour. */
@Description("What all hosts together did in the last hour, sampled at an interval.")
public interface HistoryMXBean {

    @Description("Between two samples, seconds.")
    int getIntervalSeconds();

    @Description(
            "The samples of the last hour, oldest first. timeMillis is ms since 1970; rates are of the interval that ends"
                    + " then, per second; latencies are µs, of the commands that ended in it and were timed, 0 where there were none.")
    List<Sample> getSamples();

    @Description("The latest sample; absent until the first interval has passed.")
    Sample getLatest();

    /** What ended in one interval. */
    record Sample(
            long timeMillis,
            double readIops,
            double writeIops,
            double otherIops,
            double failedIops,
            double readBytesPerSecond,
            double writtenBytesPerSecond,
            double readMeanMicros,
            double readP99Micros,
            double writeMeanMicros,
            double writeP99Micros) {}
}
