/**
 * NVMe seen from the host. {@link io.doorbell.host.NvmeController} is what a driver provides,
 * {@link io.doorbell.host.QueuePair} is the lock-free path through it, {@link io.doorbell.host.DmaMemory} is memory the
 * device can reach, and {@link io.doorbell.host.QueuePairControl} is how a lease is enforced on a queue pair.
 */
@Export
@Version("1.0.0")
package io.doorbell.host;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
