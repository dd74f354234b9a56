package io.doorbell.rdmasoft;

import io.doorbell.verbs.Access;
import io.doorbell.verbs.ReceiveRequests;
import io.doorbell.verbs.SendRequests;
import java.lang.foreign.MemorySegment;

/** Where the data of a request lie: pieces of registered memory, looked up when it is posted. Used again and again. Owner: the lane. */
final class Segments {
    private final SoftRegion[] regions;
    private final long[] addresses;
    private final int[] bytes;
    private int count;

    /** Of all pieces. */
    int total;

    /** Some piece is not in memory that its key allows, or all of them are longer than a message. */
    boolean bad;

    Segments(int most) {
        regions = new SoftRegion[most];
        addresses = new long[most];
        bytes = new int[most];
    }

    int most() {
        return regions.length;
    }

    void take(SoftDomain domain, SendRequests requests, int request, boolean written) {
        begin(requests.segmentCount(request));
        for (int i = 0; i < count; i++) {
            set(
                    domain,
                    i,
                    requests.segmentAddress(request, i),
                    requests.segmentBytes(request, i),
                    requests.segmentKey(request, i),
                    written);
        }
    }

    void take(SoftDomain domain, ReceiveRequests requests, int request) {
        begin(requests.segmentCount(request));
        for (int i = 0; i < count; i++) {
            set(
                    domain,
                    i,
                    requests.segmentAddress(request, i),
                    requests.segmentBytes(request, i),
                    requests.segmentKey(request, i),
                    true);
        }
    }

    private void begin(int segments) {
        total = 0;
        bad = segments > regions.length;
        count = bad ? 0 : segments;
    }

    private void set(SoftDomain domain, int index, long address, int many, int key, boolean written) {
        var region = domain.device.keys.region(key);
        boolean allowed = region != null
                && region.domain == domain
                && region.contains(address, many)
                && (!written || (region.access() & Access.LOCAL_WRITE) != 0)
                && (long) total + many <= SoftDevice.MAX_MESSAGE_BYTES;
        if (!allowed) {
            bad = true;
            return;
        }
        regions[index] = region;
        addresses[index] = address;
        bytes[index] = many;
        total += many;
    }

    /** Copies {@code many} bytes of the message from {@code position} on. Returns false when memory has gone. */
    boolean gather(int position, int many, MemorySegment to, long offset) {
        return copy(position, many, to, offset, false);
    }

    /** Puts {@code many} bytes of the message to where they belong. Returns false when memory has gone. */
    boolean scatter(int position, int many, MemorySegment from, long offset) {
        return copy(position, many, from, offset, true);
    }

    private boolean copy(int position, int many, MemorySegment packet, long offset, boolean into) {
        int left = many;
        int skip = position;
        for (int i = 0; left > 0; i++) {
            if (i == count) {
                return false;
            }
            int here = Math.min(bytes[i] - skip, left);
            if (here <= 0) {
                skip -= bytes[i];
                continue;
            }
            long at = addresses[i] + skip;
            boolean there = into
                    ? KeyedMemory.store(regions[i], at, packet, offset, here)
                    : KeyedMemory.load(regions[i], at, packet, offset, here);
            if (!there) {
                return false;
            }
            offset += here;
            left -= here;
            skip = 0;
        }
        return true;
    }
}
