/**
 * What a namespace stores to, a {@link io.doorbell.storage.BackendProvider} each:
 *
 * <ol>
 *   <li>{@link io.doorbell.backends.NullBackend}: nothing. The path without the store, for measurements;
 *   <li>{@link io.doorbell.backends.MemoryBackend}: memory of this process, taken as it is written;
 *   <li>{@link io.doorbell.backends.FileBackend}: a sparse file, durable after Flush and with FUA;
 *   <li>{@link io.doorbell.backends.NvmeBackend}: a namespace on a controller, by queue pairs on lease. Its parts in reading
 *       order: {@code LeasedNamespace}, {@code LeaseKeeper}, {@code LeasedQueue}, {@code LeaseStage}.
 * </ol>
 *
 * <p>{@code null} and {@code memory} answer Read and Write at once on the reactor that asks, {@code file} from workers,
 * {@code nvme} when the device has.
 */
package io.doorbell.backends;
