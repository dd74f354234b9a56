package io.doorbell.driver;

import io.doorbell.nvme.PrpMath;

/**
 * What one command may move.
 *
 * @param maxTransferBytes of data
 * @param metadataExcluded whether metadata that travels in the data does not count in that
 * @param stripeBytes where commands should not cross, for namespaces that do not say so themselves; 0 for nowhere
 */
public record TransferLimits(int maxTransferBytes, boolean metadataExcluded, int stripeBytes) {
    /** What a PRP list in one page describes: no driver here moves more at once. */
    public static final int MOST_BYTES = PrpMath.entriesPerListPage(PrpMath.PAGE_BYTES) * PrpMath.PAGE_BYTES;

    private static final int MOST_BLOCKS = 65_536;

    public static TransferLimits of(int maxTransferBytes) {
        return new TransferLimits(maxTransferBytes, false, 0);
    }

    /** The longest transfer that a PRP list has to describe. Metadata is seldom longer than its block. */
    public int listBytes() {
        return metadataExcluded ? (int) Math.min(2L * maxTransferBytes, MOST_BYTES) : maxTransferBytes;
    }

    /**
     * Blocks of one command.
     *
     * @param blockBytes of a block
     * @param inDataBytes of its metadata, where that travels in the data
     */
    public int blocks(int blockBytes, int inDataBytes) {
        int counted = metadataExcluded ? blockBytes : blockBytes + inDataBytes;
        int most = Math.min(maxTransferBytes / counted, listBytes() / (blockBytes + inDataBytes));
        return Math.min(most, MOST_BLOCKS);
    }
}
