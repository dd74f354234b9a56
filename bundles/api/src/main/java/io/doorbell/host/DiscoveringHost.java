package io.doorbell.host;

import java.nio.file.Path;

/**
 * Who asks for what there is to connect to: hosts are told of what they may use, and some discovery controllers want to be shown who it is. Keys
 * are files that only their owner can read, read when they are used.
 *
 * @param nqn its name; null for that of this machine
 * @param key its key for DH-HMAC-CHAP, for where it is asked; null for none
 * @param controllerKey the key that the controller has to know; null to take any
 * @param tlsKey its key for TLS; null for connections that are not encrypted
 */
public record DiscoveringHost(String nqn, Path key, Path controllerKey, Path tlsKey) {
    /** By the name of this machine, and without a key. */
    public static final DiscoveringHost THIS_MACHINE = new DiscoveringHost(null, null, null, null);

    public DiscoveringHost {
        if (controllerKey != null && key == null) {
            throw new IllegalArgumentException("a key of the controller, and none of this host, which asks for it");
        }
    }
}
