/**
 * PCI functions that other processes are, over vfio-user: {@code trtype:VFIOUSER traddr:DIR}, with the socket
 * {@code DIR/cntrl} as SPDK's target names it. {@link io.doorbell.pcie.vfiouser.VfioUserFunction} is one connection and one
 * function; {@link io.doorbell.pcie.vfiouser.VfioUserWatch} connects again and again, whenever the device is there. The
 * driver knows none of it: it sees a {@code PciFunction} come and go.
 */
package io.doorbell.pcie.vfiouser;
