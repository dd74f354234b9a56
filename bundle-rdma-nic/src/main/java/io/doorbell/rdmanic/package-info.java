/**
 * RDMA NICs as a provider of verbs, through rdma-core: librdmacm makes connections, libibverbs the rest. Also Linux's software device, rdma_rxe.
 *
 * <p>In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.rdmanic.NicDevices}: which addresses of this machine are RDMA devices', as they come and go;
 *   <li>{@link io.doorbell.rdmanic.NicDevice}: a device at one address;
 *   <li>{@code NicQueuePair}, {@code NicCompletionQueue}, {@code NicSharedReceiveQueue}: what reactors post to and poll;
 *   <li>{@code NicEvents}: the thread that hears of connections and of devices; {@code NicConnection}, {@code NicRequest}, {@code NicListener}.
 * </ol>
 *
 * <p>Native calls are those of {@code io.doorbell.platform}: {@code RdmaId}, {@code IbvQp} and their kin.
 */
@Export
@Version("1.0.0")
package io.doorbell.rdmanic;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
