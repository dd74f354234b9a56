/**
 * The NVMe driver over PCI. A program without a container begins and ends with {@link io.doorbell.pcie.PcieController}; in a
 * container {@link io.doorbell.pcie.PcieDriver} does. In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.pcie.PcieController}: the life of a controller: up, reset, down; what it shares with other drivers is in
 *       {@code io.doorbell.driver}, which is to be read beside this;
 *   <li>{@code BringUp}: the sequence from any state to one that takes I/O, with {@code ControllerRegisters};
 *   <li>{@code PcieAdminQueue}: its rings and doorbells;
 *   <li>{@code QueuePairs}: makes and deletes I/O queue pairs;
 *   <li>{@code PcieQueuePair}: the hot path from the ring on, with {@code PrpPointers} and {@code PrpLists} (where the data is), {@code
 *       QueueDoorbells} (what the device was told);
 *   <li>{@code DmaPool}: memory for data.
 * </ol>
 *
 * <p>Default document: NVM Express Base Specification 2.1, and NVMe over PCIe Transport Specification 1.1.
 */
package io.doorbell.pcie;
