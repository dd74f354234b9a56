/**
 * What is counted while I/O runs, for whoever looks: one thread counts by a {@link io.doorbell.statistics.LatencyRecorder}, any thread
 * takes a {@link io.doorbell.statistics.LatencySnapshot}.
 */
@Export
@Version("1.0.0")
package io.doorbell.statistics;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
