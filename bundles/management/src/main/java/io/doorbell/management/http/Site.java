package io.doorbell.management.http;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Set;

/**
 * Where management is served: by HTTP on loopback, or by HTTPS.
 *
 * @param tls null for plain HTTP
 */
record Site(InetAddress address, int port, TlsKey tls) {
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "[::1]");

    String scheme() {
        return tls == null ? "http" : "https";
    }

    /** For clients on this machine. */
    String url() {
        return scheme() + "://" + (tls == null ? literal(address) : tls.localHost(address)) + ":" + port;
    }

    /**
     * Whether a host, as a URL names it and without a port, is this one. Any port: a tunnel may end at another one. Another name would be
     * a page that resolved it to this machine.
     */
    boolean isNamed(String host) {
        return tls == null ? LOOPBACK.contains(host) || literal(address).equals(host) : tls.covers(host);
    }

    /** As in a URL. */
    static String literal(InetAddress address) {
        var literal = address.getHostAddress();
        return address instanceof Inet6Address ? "[" + literal + "]" : literal;
    }
}
