package io.doorbell.emulator;

import io.doorbell.nvme.Doorbell;
import java.lang.foreign.MemorySegment;

/**
 * The two pages of Doorbell Buffer Config. The host stores its tails and heads to {@code shadow} and rings a doorbell only
 * when it passes what the device wrote to {@code eventIndexes}. NVMe Base 2.1 §5.2.5 "Doorbell Buffer Config command", §B.5 "Updating
 * Controller Doorbell Properties using a Shadow Doorbell Buffer". They serve the I/O queues; the admin queue has its own doorbells always,
 * as Linux and SPDK have it. Owner: the device's reactor.
 */
record DoorbellBuffers(MemorySegment shadow, MemorySegment eventIndexes, int dstrd) {

    /** The last queue whose doorbells have room in a page. */
    int lastQid() {
        return (int) (shadow.byteSize() / (2L * Doorbell.strideBytes(dstrd))) - 1;
    }

    /** Asks for the doorbell to be rung when it moves on from {@code index}. Whoever then sleeps stands a full fence between. */
    void eventIndex(long offset, int index) {
        Doorbell.store(eventIndexes, offset, index);
    }
}
