/**
 * The controller side of NVMe without a transport: a {@link io.doorbell.target.TargetSubsystem} makes
 * {@link io.doorbell.target.TargetController}s, which a transport (a PCI face, RDMA, TCP) feeds with
 * {@link io.doorbell.storage.NvmRequest}s.
 */
@Export
@Version("1.0.0")
package io.doorbell.target;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
