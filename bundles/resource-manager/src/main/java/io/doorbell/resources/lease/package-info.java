/**
 * Who owns which queue pair. {@link io.doorbell.resources.lease.LeaseManager} gives them out and takes them back,
 * {@link io.doorbell.resources.lease.HolderResources} is what one bundle sees of it.
 *
 * <p>Reading order: {@code Allotment} decides who gets a queue pair (pure), {@code LeaseLife} is the life of one lease as
 * a table (pure), {@code Accounts} knows who has what and who waits ({@code Waiter}), {@code Lease} is the lease, {@code Revocation} takes it back, step by step, {@code LeaseMonitor} watches
 * the owners, {@code LeaseBook} remembers and tells. No OSGi types here: a program without a container makes a manager of
 * its own.
 */
package io.doorbell.resources.lease;
