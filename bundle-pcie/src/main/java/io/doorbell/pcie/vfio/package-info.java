/**
 * PCI functions on a real bus, by VFIO: {@code trtype:PCIE traddr:0000:01:00.0}. In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.pcie.vfio.VfioFunctions}: finds functions that the kernel's vfio-pci driver has, and says what is missing where it has not;
 *   <li>{@link io.doorbell.pcie.vfio.VfioFunction}: one of them, from when it was found to when it goes;
 *   <li>{@code VfioAccess}: one claim of it, on {@code VfioGroup} (group, container, IOVA space) and {@code VfioDevice} (registers, interrupts);
 *   <li>{@link io.doorbell.pcie.vfio.VfioWatch}: tells of functions that come and go;
 *   <li>{@link io.doorbell.pcie.vfio.VfioDiscovery}: all of it in a container.
 * </ol>
 *
 * <p>Numbers and layouts are those of {@code linux/vfio.h}; behaviour is that of Linux "Documentation/driver-api/vfio.rst". Binding a function to
 * vfio-pci is a command of the operator ({@code doorbell pci bind}), never done here.
 */
package io.doorbell.pcie.vfio;
