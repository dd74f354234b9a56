/**
 * Who owns which queue pair. A holder asks its {@link io.doorbell.lease.ResourceManager} with a
 * {@link io.doorbell.lease.LeaseRequest}, works through a {@link io.doorbell.lease.QueuePairLease}, and hears of its end
 * through a {@link io.doorbell.lease.LeaseListener}. A target's connections are queue pairs too: {@link
 * io.doorbell.lease.ConnectionLeases}. {@link io.doorbell.lease.LeaseRegistry} is the view of the operator.
 */
@Export
@Version("1.0.0")
package io.doorbell.lease;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
