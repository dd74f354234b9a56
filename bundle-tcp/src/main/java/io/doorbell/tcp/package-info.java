/**
 * NVMe/TCP, the target's side. NVMe over TCP Transport 1.1.
 *
 * <p>In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.tcp.TcpTarget}: a listener, with its reactors; {@link io.doorbell.tcp.TcpTargetSettings} says what it does;
 *   <li>{@code TcpReactor}: the duty cycle of one reactor: who has something to receive, who something to send, and the memory of both
 *       ({@link io.doorbell.fabrics.DataPool});
 *   <li>{@code TcpConnection}: one connection of a host, with its commands ({@code TcpRequest}) and their memory; {@code PduReceiver}: what it
 *       receives; {@code PduSender}: what it sends.
 * </ol>
 *
 * <p>A connection belongs to one reactor from accept to close. Bytes come into one buffer of the reactor, are taken apart there, and only what is
 * cut off at its end is kept by the connection; data go from the socket to where the namespace takes them, and the other way, without a
 * copy. What is answered in a cycle leaves in one call for each connection.
 */
package io.doorbell.tcp;
