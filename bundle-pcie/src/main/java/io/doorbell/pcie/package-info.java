/** The NVMe driver over PCI. */
package io.doorbell.pcie;
