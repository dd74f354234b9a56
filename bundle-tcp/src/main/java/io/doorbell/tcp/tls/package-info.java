/** TLS of NVMe/TCP, for both sides, without a socket: {@link io.doorbell.tcp.tls.TlsSession}. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package io.doorbell.tcp.tls;
