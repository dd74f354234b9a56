package io.doorbell.verbs;

import java.net.InetSocketAddress;

/** Takes connections until it is closed; those that were made stay. */
public interface ConnectListener extends AutoCloseable {

    /** With the port that it got. */
    InetSocketAddress address();

    @Override
    void close();
}
