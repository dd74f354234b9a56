/**
 * DH-HMAC-CHAP, both sides, without a wire. NVMe Base 2.1 §8.3.4 "NVMe over Fabrics Secure Channel and In-band Authentication".
 *
 * <p>In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.fabrics.auth.DhchapOffer}: which hash functions and groups one side is ready to use;
 *   <li>{@link io.doorbell.fabrics.auth.HostKeys}: the keys by which a host and a controller know each other;
 *   <li>{@link io.doorbell.fabrics.auth.DhchapController}: the controller's part of a transaction;
 *   <li>{@link io.doorbell.fabrics.auth.DhchapHost}: the host's.
 * </ol>
 *
 * <p>Both parts are state machines: messages go in, messages come out. They compute for up to some hundred milliseconds, so never on a reactor.
 */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package io.doorbell.fabrics.auth;
