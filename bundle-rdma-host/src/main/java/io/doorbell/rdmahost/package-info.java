/**
 * NVMe over RDMA, the host's side. NVM Express RDMA Transport Specification 1.1.
 *
 * <p>In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.rdmahost.RdmaHostTransport} makes connections from a device of {@link io.doorbell.verbs};
 *       {@link io.doorbell.fabrics.host.FabricController} makes a controller of them;
 *   <li>{@code RdmaQueuePair} is an I/O queue pair, {@code RdmaAdminQueue} the admin queue, {@code Exchange} what comes before either;
 *   <li>{@code RdmaLink} is where their commands go in and answers come out, on the thread of their owner;
 *   <li>{@code RdmaPort} is the other end, on a reactor: what is sent and received, and what of it is believed;
 *   <li>{@code RegisteredMemory} is where data are, and how the target gets at them.
 * </ol>
 */
@Export
@Version("1.0.0")
package io.doorbell.rdmahost;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
