package io.doorbell.verbs;

/**
 * What a device takes.
 *
 * @param maxQueuePairs queue pairs at once
 * @param maxSendRequests requests in a send queue
 * @param maxReceiveRequests requests in a receive queue, shared or not
 * @param maxSegments pieces of memory of one request
 * @param maxCompletions entries of a completion queue
 * @param maxRegionBytes of a memory region
 * @param maxMessageBytes of one request
 * @param maxReads RDMA reads that a queue pair has outstanding at its peer, and those of the peer that it remembers
 */
public record DeviceLimits(
        int maxQueuePairs,
        int maxSendRequests,
        int maxReceiveRequests,
        int maxSegments,
        int maxCompletions,
        long maxRegionBytes,
        int maxMessageBytes,
        int maxReads) {}
