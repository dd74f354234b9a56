/**
 * The NVMe driver over PCI. A program without a container begins and ends with {@link io.doorbell.pcie.PcieController}; in a
 * container {@link io.doorbell.pcie.PcieDriver} does. In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.pcie.PcieController}: the life of a controller: up, reset, down, and who watches it;
 *   <li>{@code BringUp}: the sequence from any state to one that takes I/O, with {@code ControllerRegisters} and {@code
 *       NamespaceReader};
 *   <li>{@code AdminQueue}: admin commands as blocking calls, with {@code AdminThread}, {@code AsyncEvents}, {@code KeepAlive};
 *   <li>{@code QueuePairs}: makes and deletes I/O queue pairs;
 *   <li>{@code PcieQueuePair}: the hot path, with {@code OwnedQueuePair} (who may), {@code Trackers} (what is in flight), {@code
 *       PrpLists} (where the data is), {@code QueueDoorbells} (what the device was told);
 *   <li>{@code PcieQueuePairControl}: how a queue pair is taken from its owner;
 *   <li>{@code DmaPool}: memory for data.
 * </ol>
 *
 * <p>Default document: NVM Express Base Specification 2.1, and NVMe over PCIe Transport Specification 1.1.
 */
package io.doorbell.pcie;
