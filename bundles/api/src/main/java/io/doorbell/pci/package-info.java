/**
 * A PCI function as a driver needs it: registers, doorbells, DMA, removal. {@link io.doorbell.pci.PciFunction} is
 * found, {@link io.doorbell.pci.PciAccess} is claimed. Real, emulated, or in another process: the driver cannot tell.
 */
@Export
@Version("1.0.0")
package io.doorbell.pci;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
