/**
 * NVMe over Fabrics without a wire, the controller's side: what RDMA and TCP share. NVMe Base 2.1 §6 "Fabrics Command Set".
 *
 * <p>In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.fabrics.FabricTarget}: the subsystems of the node that hosts on a network can reach, a service;
 *   <li>{@link io.doorbell.fabrics.FabricListener}: where they can reach which of them; a transport makes it, whose component is a
 *       {@link io.doorbell.fabrics.ListenerKeeper};
 *   <li>{@link io.doorbell.fabrics.FabricQueue}: one connection of a host. The transport, as its
 *       {@link io.doorbell.fabrics.FabricConnection}, brings it {@link io.doorbell.fabrics.FabricRequest}s and sends the answers;
 *   <li>{@code Connect} judges who may connect to what, {@code Association} is the controller that came of it, with its queues;
 *   <li>{@link io.doorbell.fabrics.FabricHost}: a host that has to show who it is, which {@code QueueAuthentication} lets it do, by
 *       {@link io.doorbell.fabrics.auth};
 *   <li>{@code DiscoverySubsystem}: how hosts find the others.
 * </ol>
 */
@Export
@Version("1.0.0")
package io.doorbell.fabrics;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
