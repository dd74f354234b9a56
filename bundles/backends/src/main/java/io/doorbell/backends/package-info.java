/**
 * What a namespace stores to, a {@link io.doorbell.storage.BackendProvider} each:
 *
 * <ol>
 *   <li>{@link io.doorbell.backends.NullBackend}: nothing. The path without the store, for measurements;
 *   <li>{@link io.doorbell.backends.MemoryBackend}: memory of this process, taken as it is written;
 *   <li>{@link io.doorbell.backends.FileBackend}: a sparse file, durable after Flush and with FUA.
 * </ol>
 *
 * <p>{@code null} and {@code memory} answer Read and Write at once on the reactor that asks, {@code file} from workers.
 */
package io.doorbell.backends;
