package io.doorbell.pcie;

import io.doorbell.nvme.IdentifyController;

/**
 * What a controller says of SGLs, as far as a driver over PCI makes use of it. NVMe Base 2.1 §5.1.13.2.1, SGLS.
 *
 * @param supported whether data may be described so at all
 * @param bytes whether pieces begin and end anywhere; else on dwords
 * @param metadataAddress whether then the metadata pointer may be an address
 * @param metadataDescriptor whether then the metadata pointer may be that of a descriptor
 * @param fromBytes data in one piece, so long or longer, is described by one descriptor instead of a PRP list
 */
record SglSupport(
        boolean supported, boolean bytes, boolean metadataAddress, boolean metadataDescriptor, int fromBytes) {
    static final SglSupport NONE = new SglSupport(false, false, false, false, Integer.MAX_VALUE);

    /** @param fromBytes 0 for never */
    static SglSupport of(int sgls, int fromBytes) {
        int kind = sgls & IdentifyController.SGLS_SUPPORTED_MASK;
        if (kind != IdentifyController.SGLS_SUPPORTED_BYTE_ALIGNED
                && kind != IdentifyController.SGLS_SUPPORTED_DWORD_ALIGNED) {
            return NONE;
        }
        return new SglSupport(
                true,
                kind == IdentifyController.SGLS_SUPPORTED_BYTE_ALIGNED,
                (sgls & IdentifyController.SGLS_METADATA_POINTER_CONTIGUOUS) != 0,
                (sgls & IdentifyController.SGLS_METADATA_SGL) != 0,
                fromBytes == 0 ? Integer.MAX_VALUE : fromBytes);
    }

    /** Whether a command with metadata in a buffer of its own may have an SGL. */
    boolean metadata() {
        return metadataAddress || metadataDescriptor;
    }
}
