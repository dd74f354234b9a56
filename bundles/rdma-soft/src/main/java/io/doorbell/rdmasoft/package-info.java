/**
 * RDMA verbs in software: RoCEv2 over UDP sockets, wire compatible with Linux's rdma_rxe and with RoCE NICs. IBTA vol. 1 release 1.4, annex A17.
 *
 * <p>In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.rdmasoft.SoftDevice}: a device at one address, its sockets, who gets which packet;
 *   <li>{@code Headers}, {@code Opcode}, {@code Psn}, {@code Icrc}, {@code CmMessage}: what packets and messages look like;
 *   <li>{@code Lane}: the duty cycle of one reactor; {@code SoftQueuePair} with its {@code Requester}, which sends and sends again, and its
 *       {@code Responder}, which checks and answers;
 *   <li>{@code KeyTable}, {@code SoftRegion}, {@code SoftWindow}: what memory a key opens, and to whom;
 *   <li>{@code ConnectionManager}, {@code SoftConnection}: how connections are made and end.
 * </ol>
 */
@Export
@Version("1.0.0")
package io.doorbell.rdmasoft;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
