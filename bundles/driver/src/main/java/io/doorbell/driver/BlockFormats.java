package io.doorbell.driver;

import io.doorbell.host.MetadataFormat;
import io.doorbell.host.NvmeNamespace;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * How blocks become bytes and commands, by namespace. Immutable; the control plane gives queue pairs a new one when
 * namespaces change. A namespace that has gone keeps its format, so that commands to it reach the device and come back
 * with the device's own answer.
 */
public final class BlockFormats {
    public static final BlockFormats NONE = new BlockFormats(List.of());

    /** Identifiers below this are found by index. Controllers number from 1. */
    private static final int DIRECT_LIMIT = 1024;

    /** Namespaces that went and are remembered. A command to another one is refused here, not by the device. */
    public static final int MOST_GONE = 1024;

    /**
     * @param nsid the namespace
     * @param blockBytes bytes of a block in the data, its metadata included where that travels with it
     * @param boundaryBlocks no command crosses a multiple of this; 0 for none
     * @param mostBlocks the most blocks of one command; 0 where a block is longer than the device takes
     * @param metadata what comes with a block
     * @param plainBlocks as {@code mostBlocks}, but 0 where there is metadata: the hot path compares with this one number, and
     *     leaves to others what is not plain
     */
    public record Format(
            int nsid, int blockBytes, int boundaryBlocks, int mostBlocks, MetadataFormat metadata, int plainBlocks) {
        public static final Comparator<Format> BY_NSID = (a, b) -> Integer.compareUnsigned(a.nsid, b.nsid);

        public static Format of(NvmeNamespace namespace, TransferLimits limits) {
            var metadata = namespace.metadata();
            int most = limits.blocks(namespace.blockBytes(), metadata.inDataBytes());
            int boundary = namespace.optimalBoundaryBlocks();
            return new Format(
                    namespace.nsid(),
                    namespace.transferBlockBytes(),
                    boundary == 0 ? limits.stripeBytes() / namespace.blockBytes() : boundary,
                    most,
                    metadata,
                    metadata.bytes() == 0 ? most : 0);
        }

        /** Blocks from {@code slba} to the next boundary. Only where there is one. */
        public int blocksToBoundary(long slba) {
            return boundaryBlocks - (int) Long.remainderUnsigned(slba, boundaryBlocks);
        }

        /** Blocks of the first command for {@code blockCount} from {@code slba} on. */
        public int part(long slba, int blockCount) {
            int count = Math.min(blockCount, mostBlocks);
            return boundaryBlocks == 0 ? count : Math.min(count, blocksToBoundary(slba));
        }
    }

    private final Format[] direct;
    private final Format[] others;

    public BlockFormats(List<Format> formats) {
        int highest = formats.stream()
                .mapToInt(Format::nsid)
                .filter(BlockFormats::isDirect)
                .max()
                .orElse(0);
        direct = new Format[highest + 1];
        for (var format : formats) {
            if (isDirect(format.nsid())) {
                direct[format.nsid()] = format;
            }
        }
        others = formats.stream()
                .filter(format -> !isDirect(format.nsid()))
                .sorted(Format.BY_NSID)
                .toArray(Format[]::new);
    }

    /** These, and those of {@code older} for namespaces that are not among these, up to {@link #MOST_GONE} of them. */
    public static BlockFormats of(List<Format> formats, BlockFormats older) {
        var all = new TreeMap<Integer, Format>();
        for (var format : formats) {
            all.put(format.nsid(), format);
        }
        int most = formats.size() + MOST_GONE;
        Stream.concat(Arrays.stream(older.direct).filter(Objects::nonNull), Arrays.stream(older.others))
                .forEach(format -> {
                    if (all.size() < most) {
                        all.putIfAbsent(format.nsid(), format);
                    }
                });
        return new BlockFormats(List.copyOf(all.values()));
    }

    /** The format of a namespace, or null when there never was one of this identifier. */
    public Format of(int nsid) {
        return nsid >= 0 && nsid < direct.length ? direct[nsid] : otherwise(nsid);
    }

    private Format otherwise(int nsid) {
        int index = Arrays.binarySearch(others, new Format(nsid, 0, 0, 0, MetadataFormat.NONE, 0), Format.BY_NSID);
        return index < 0 ? null : others[index];
    }

    private static boolean isDirect(int nsid) {
        return nsid > 0 && nsid < DIRECT_LIMIT;
    }
}
