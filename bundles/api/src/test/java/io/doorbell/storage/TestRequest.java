package io.doorbell.storage;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** A request that remembers how it ended. */
public final class TestRequest extends NvmRequest {
    private static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LE64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    public static final int FUA = 1 << 30;

    private int status = PENDING;
    private int completions;
    private byte[] separate = new byte[0];

    /** A command on blocks, its fields as on the wire and as after {@code admit}. */
    public static TestRequest blocks(int opc, long slba, int blockCount) {
        var request = new TestRequest();
        request.opc = opc;
        request.nsid = 1;
        request.cdw10 = (int) slba;
        request.cdw11 = (int) (slba >>> 32);
        request.cdw12 = blockCount - 1;
        request.slba = slba;
        request.blockCount = blockCount;
        return request;
    }

    /** A Dataset Management of {@code {slba, blocks}} ranges. */
    public static TestRequest datasetManagement(boolean deallocate, long[]... ranges) {
        var request = new TestRequest();
        request.opc = 0x09;
        request.nsid = 1;
        request.cdw10 = ranges.length - 1;
        request.cdw11 = deallocate ? 4 : 0;
        var table = MemorySegment.ofArray(new byte[16 * ranges.length]);
        for (int i = 0; i < ranges.length; i++) {
            table.set(LE32, 16L * i + 4, (int) ranges[i][1]);
            table.set(LE64, 16L * i + 8, ranges[i][0]);
        }
        request.addPiece(table, 0, 16 * ranges.length);
        return request;
    }

    public TestRequest with(byte[] data) {
        addPiece(MemorySegment.ofArray(data), 0, data.length);
        return this;
    }

    /** One piece after another, each in memory of its own. */
    public TestRequest withPieces(byte[]... data) {
        for (byte[] piece : data) {
            with(piece);
        }
        return this;
    }

    public TestRequest fua() {
        cdw12 |= FUA;
        return this;
    }

    public TestRequest fuse(int fuse) {
        flags = fuse;
        return this;
    }

    /** Metadata with a buffer of its own. */
    public TestRequest withMetadata(byte[] bytes) {
        separate = bytes;
        return this;
    }

    @Override
    public int mapMetadata(int bytes) {
        if (separate.length != bytes) {
            throw new IllegalStateException(bytes + " bytes of metadata are asked for, not " + separate.length);
        }
        metadata = new HostPieces();
        // In pieces, as it may be.
        int half = bytes / 2 - 1;
        metadata.addPiece(MemorySegment.ofArray(separate), 0, half);
        metadata.addPiece(MemorySegment.ofArray(separate).asSlice(half), 0, bytes - half);
        return 0;
    }

    /** How it ended, or {@link NvmRequest#PENDING}. */
    public int status() {
        return status;
    }

    public int completions() {
        return completions;
    }

    @Override
    public void complete(int status) {
        this.status = status;
        completions++;
    }
}
