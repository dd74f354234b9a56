/**
 * The NVMe/RDMA target: NVM Express RDMA Transport Specification 1.1, over any {@link io.doorbell.verbs.VerbsDevice}.
 *
 * <p>In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.rdmatarget.RdmaTarget} listens, looks at what a host says when it connects ({@code ConnectData}), and gives each connection
 *       a queue pair and a reactor;
 *   <li>{@code RdmaReactor}: the duty cycle of the connections of one reactor, one completion queue, memory for data;
 *   <li>{@code RdmaConnection}: receives, commands, reads, and answers of one connection, each command an {@code RdmaRequest}.
 * </ol>
 */
@Export
@Version("1.0.0")
package io.doorbell.rdmatarget;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
