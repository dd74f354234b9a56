/**
 * RDMA verbs: a device that moves data between registered memory of two machines, without the CPU of one of them taking part in it. What an
 * RDMA NIC and a software endpoint have in common, in the words of the InfiniBand Architecture Specification volume 1, release 1.4.
 *
 * <p>In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.verbs.VerbsProvider}, a service, has {@link io.doorbell.verbs.VerbsDevice}s;
 *   <li>a {@link io.doorbell.verbs.ProtectionDomain} has the {@link io.doorbell.verbs.MemoryRegion}s and
 *       {@link io.doorbell.verbs.MemoryWindow}s that its queue pairs, and through them peers, may reach;
 *   <li>a {@link io.doorbell.verbs.VerbsQueuePair} is one end of a reliable connection: {@link io.doorbell.verbs.SendRequests} and
 *       {@link io.doorbell.verbs.ReceiveRequests} go in, {@link io.doorbell.verbs.Completions} come out of a
 *       {@link io.doorbell.verbs.CompletionQueue}; several can receive from one {@link io.doorbell.verbs.SharedReceiveQueue};
 *   <li>a {@link io.doorbell.verbs.Connection} is made by {@link io.doorbell.verbs.VerbsDevice#connect} on one side, and on the other by a
 *       {@link io.doorbell.verbs.ConnectHandler} that accepts a {@link io.doorbell.verbs.ConnectRequest}.
 * </ol>
 *
 * <p>One reactor owns a completion queue and everything that completes there: posting and polling are its thread's, without a lock, without garbage.
 * Requests and completions lie in native memory in the layout of libibverbs, so that a provider for a NIC hands on an address, and a provider in
 * software reads fields; neither costs anything per request.
 */
@Export
@Version("1.0.0")
package io.doorbell.verbs;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
