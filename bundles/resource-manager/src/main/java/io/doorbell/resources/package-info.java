/**
 * Reactors and leases as services. The components here are thin: {@link io.doorbell.resources.ReactorsComponent} around a
 * {@link io.doorbell.resources.reactor.ReactorPool}, {@link io.doorbell.resources.LeasesComponent} around the node's
 * {@link io.doorbell.resources.lease.LeaseManager}, and for each using bundle a
 * {@link io.doorbell.resources.ResourceManagerComponent}.
 */
package io.doorbell.resources;
