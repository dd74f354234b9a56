package io.doorbell.emulator;

import io.doorbell.nvme.Doorbell;
import io.doorbell.reactor.Reactors;

/**
 * How an emulated controller is made.
 *
 * @param name the address of its PCI function, and {@code traddr} of its transport id
 * @param ioQueuePairs the most I/O queue pairs a host gets
 * @param maxQueueEntries the most entries of a queue: CAP.MQES + 1
 * @param maxTransferBytes the longest transfer, a power of two of pages; MDTS is made of it
 * @param doorbellStride CAP.DSTRD: doorbells are {@code 4 << doorbellStride} bytes apart
 * @param shadowDoorbells whether Doorbell Buffer Config is offered
 * @param cpu the CPU that its reactor runs on, or {@link Reactors#ANY_CPU}
 */
public record EmulatorSettings(
        String name,
        int ioQueuePairs,
        int maxQueueEntries,
        int maxTransferBytes,
        int doorbellStride,
        boolean shadowDoorbells,
        int cpu) {
    public static final int DEFAULT_IO_QUEUE_PAIRS = 31;
    public static final int DEFAULT_MAX_QUEUE_ENTRIES = 1024;
    public static final int DEFAULT_MAX_TRANSFER_BYTES = 1 << 20;

    /** 64 bytes: each doorbell has a cache line of its own, and those of 31 I/O queue pairs still fit into one page. */
    public static final int DEFAULT_DOORBELL_STRIDE = 4;

    /** As many as fit into BAR0, which has 1 MiB of doorbells. */
    public static final int MAX_IO_QUEUE_PAIRS = 1023;

    public static final int MAX_QUEUE_ENTRIES = 4096;
    /** An Identify structure that straddles a page has to fit. */
    public static final int MIN_TRANSFER_BYTES = 8192;

    public static final int MAX_TRANSFER_BYTES = 16 << 20;
    public static final int MAX_DOORBELL_STRIDE = 6;

    private static final int PAGE_BYTES = Iommu.PAGE_BYTES;

    /** As a configuration has it. */
    public static EmulatorSettings of(String name, EmulatorConfig config) {
        return new EmulatorSettings(
                name,
                config.io_queue_pairs(),
                config.max_queue_entries(),
                config.max_transfer_bytes(),
                config.doorbell_stride(),
                config.shadow_doorbells(),
                config.cpu());
    }

    public EmulatorSettings {
        if (name.isBlank()) {
            throw new IllegalArgumentException("an emulated controller needs a name");
        }
        range(name, "I/O queue pairs", ioQueuePairs, 1, MAX_IO_QUEUE_PAIRS);
        range(name, "queue entries", maxQueueEntries, 2, MAX_QUEUE_ENTRIES);
        range(name, "doorbell stride", doorbellStride, 0, MAX_DOORBELL_STRIDE);
        range(name, "transfer bytes", maxTransferBytes, MIN_TRANSFER_BYTES, MAX_TRANSFER_BYTES);
        if (Integer.bitCount(maxTransferBytes) != 1) {
            throw new IllegalArgumentException(
                    "transfer bytes " + maxTransferBytes + " of " + name + ": a power of two");
        }
        int shadowBytes = 2 * (ioQueuePairs + 1) * Doorbell.strideBytes(doorbellStride);
        if (shadowDoorbells && shadowBytes > PAGE_BYTES) {
            throw new IllegalArgumentException("shadow doorbells of " + name + ": those of " + ioQueuePairs
                    + " I/O queue pairs at stride " + doorbellStride + " take " + shadowBytes
                    + " bytes and have one page of " + PAGE_BYTES + "; take a smaller stride or fewer queue pairs");
        }
    }

    /** MSI-X vectors: one for the admin queues, and one for each pair of I/O queues. */
    public int interruptVectors() {
        return ioQueuePairs + 1;
    }

    public static EmulatorSettings of(String name) {
        return new EmulatorSettings(
                name,
                DEFAULT_IO_QUEUE_PAIRS,
                DEFAULT_MAX_QUEUE_ENTRIES,
                DEFAULT_MAX_TRANSFER_BYTES,
                DEFAULT_DOORBELL_STRIDE,
                true,
                Reactors.ANY_CPU);
    }

    public EmulatorSettings withIoQueuePairs(int ioQueuePairs) {
        return new EmulatorSettings(
                name, ioQueuePairs, maxQueueEntries, maxTransferBytes, doorbellStride, shadowDoorbells, cpu);
    }

    public EmulatorSettings withMaxQueueEntries(int maxQueueEntries) {
        return new EmulatorSettings(
                name, ioQueuePairs, maxQueueEntries, maxTransferBytes, doorbellStride, shadowDoorbells, cpu);
    }

    public EmulatorSettings withDoorbellStride(int doorbellStride) {
        return new EmulatorSettings(
                name, ioQueuePairs, maxQueueEntries, maxTransferBytes, doorbellStride, shadowDoorbells, cpu);
    }

    public EmulatorSettings withShadowDoorbells(boolean shadowDoorbells) {
        return new EmulatorSettings(
                name, ioQueuePairs, maxQueueEntries, maxTransferBytes, doorbellStride, shadowDoorbells, cpu);
    }

    private static void range(String name, String what, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(what + " " + value + " of " + name + ": " + least + " to " + most);
        }
    }
}
