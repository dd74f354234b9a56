/**
 * PCI functions as Linux shows them. For the VFIO provider, which looks, and for {@code ./doorbell pci}, which changes something, and works
 * without a node. In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.pcibus.PciBus}: the functions there are;
 *   <li>{@link io.doorbell.pcibus.PciDevice}: what is known of one;
 *   <li>{@link io.doorbell.pcibus.BlockUses}: who would lose something if its driver let it go;
 *   <li>{@link io.doorbell.pcibus.PciBinding}: takes it from its driver, and gives it back.
 * </ol>
 */
@Export
@Version("1.0.0")
package io.doorbell.pcibus;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
