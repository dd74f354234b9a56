/**
 * vfio-user, by which a process drives a PCI function that another process is: requests and answers over a Unix stream
 * socket, memory and interrupts as file descriptors beside them. {@link io.doorbell.vfiouser.MessageChannel} carries
 * {@link io.doorbell.vfiouser.Message}s both ways; the other types are what is in them, each checked when it is decoded.
 * Numbers are little endian. Nothing here knows NVMe.
 *
 * <p>Sections are those of "vfio-user Protocol Specification", version 0.9.1 (libvfio-user, docs/vfio-user.rst), protocol
 * version 0.1.
 */
@Export
@Version("1.0.0")
package io.doorbell.vfiouser;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
