/**
 * NVMe over Fabrics without a wire, the host's side: what initiators over RDMA and TCP share. NVMe Base 2.1 §6 "Fabrics Command Set".
 *
 * <p>In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.fabrics.host.ConfiguredController}: what the components of initiators have in common;
 *   <li>{@link io.doorbell.fabrics.host.FabricController}: a controller over a network: brought up, lost, reached again;
 *   <li>{@link io.doorbell.fabrics.host.HostTransport} and {@link io.doorbell.fabrics.host.HostConnection}: what a transport gives it;
 *   <li>{@link io.doorbell.fabrics.host.HostLink}: commands on their way, by slot; with it {@link io.doorbell.fabrics.host.HostExchange} (one at
 *       a time), {@link io.doorbell.fabrics.host.FabricAdminQueue} and {@link io.doorbell.fabrics.host.FabricQueuePair};
 *   <li>{@link io.doorbell.fabrics.host.HostConnect}: Connect, and what is said when it is refused;
 *   <li>{@code HostProperties}: properties, enabling, shutdown; {@code FabricBringUp}: the sequence;
 *   <li>{@link io.doorbell.fabrics.host.Discovery}: what there is to connect to.
 * </ol>
 */
@Export
@Version("1.0.0")
package io.doorbell.fabrics.host;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
