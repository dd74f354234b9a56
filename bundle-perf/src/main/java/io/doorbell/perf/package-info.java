/**
 * The workload of SPDK's perf on leased queue pairs. In reading order: {@link io.doorbell.perf.PerfFlags} are the flags,
 * {@link io.doorbell.perf.PerfOptions} what they mean; {@link io.doorbell.perf.PerfRun} is one run from the first lease to
 * the last; in it a {@link io.doorbell.perf.NamespaceWorker} drives one namespace from one core through several
 * {@link io.doorbell.perf.Lane}s, a queue pair each; {@link io.doorbell.perf.PerfReport} is what came of it, and
 * {@link io.doorbell.perf.ReportTable} and {@link io.doorbell.perf.ReportJson} say it. {@link io.doorbell.perf.Perf} is
 * the command and the service, without a container; {@link io.doorbell.perf.PerfComponent} puts it into one.
 */
package io.doorbell.perf;
