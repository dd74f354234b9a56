package io.doorbell.verbs.provider;

import io.doorbell.verbs.Access;
import io.doorbell.verbs.DeviceLimits;
import io.doorbell.verbs.QueuePairSetup;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** What a device is asked for, held against what it takes. All of them throw {@link IllegalArgumentException}, which says what is allowed. */
public final class Checks {
    private Checks() {}

    /** @param what as "segments" */
    public static void within(String what, int value, int most) {
        if (value < 1 || value > most) {
            throw new IllegalArgumentException(value + " " + what + ": 1 to " + most);
        }
    }

    public static void queuePair(QueuePairSetup setup, DeviceLimits limits) {
        within("sends", setup.sendRequests(), limits.maxSendRequests());
        within("segments", setup.segments(), limits.maxSegments());
        if (setup.shared() == null) {
            within("receives", setup.receiveRequests(), limits.maxReceiveRequests());
        }
    }

    public static void region(MemorySegment memory, int access, DeviceLimits limits) {
        Access.checked(access);
        if (!memory.isNative() || memory.isReadOnly() || memory.byteSize() < 1) {
            throw new IllegalArgumentException("only native memory that can be written is registered");
        }
        if (memory.byteSize() > limits.maxRegionBytes()) {
            throw new IllegalArgumentException(
                    memory.byteSize() + " bytes of a region: " + limits.maxRegionBytes() + " at most");
        }
    }

    public static void privateData(byte[] data, int most) {
        if (data.length > most) {
            throw new IllegalArgumentException(data.length + " bytes of private data: " + most + " at most");
        }
    }

    /** Whether a device at this address can reach the peer. */
    public static void sameFamily(InetSocketAddress peer, InetAddress own) {
        if (peer.getAddress().getAddress().length != own.getAddress().length) {
            throw new IllegalArgumentException(peer + " is no address of the family of " + own.getHostAddress());
        }
    }
}
