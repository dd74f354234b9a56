/**
 * Workloads inside a running node: {@link io.doorbell.workload.WorkloadRunner} starts a
 * {@link io.doorbell.workload.WorkloadRun}, which tells how it goes.
 */
@Export
@Version("1.0.0")
package io.doorbell.workload;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
