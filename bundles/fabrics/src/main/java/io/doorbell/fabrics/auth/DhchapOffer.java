package io.doorbell.fabrics.auth;

import io.doorbell.nvme.DhchapGroup;
import io.doorbell.nvme.DhchapHash;
import java.util.List;

/**
 * What one side is ready to use, the best first.
 *
 * @param hashes at least one, none twice
 * @param groups at least one, none twice
 */
public record DhchapOffer(List<DhchapHash> hashes, List<DhchapGroup> groups) {
    /**
     * The strongest hash, and a group of 128 bits, which costs some milliseconds; that of 8,192 bits costs a tenth of a second. Not without a
     * group: then who listens could try secrets.
     */
    public static final DhchapOffer DEFAULT = new DhchapOffer(
            List.of(DhchapHash.SHA_512, DhchapHash.SHA_384, DhchapHash.SHA_256),
            List.of(
                    DhchapGroup.FFDHE3072,
                    DhchapGroup.FFDHE4096,
                    DhchapGroup.FFDHE6144,
                    DhchapGroup.FFDHE8192,
                    DhchapGroup.FFDHE2048));

    public DhchapOffer {
        hashes = List.copyOf(hashes);
        groups = List.copyOf(groups);
        check("hash functions", hashes);
        check("DH groups", groups);
    }

    private static void check(String what, List<?> list) {
        if (list.isEmpty() || list.stream().distinct().count() != list.size()) {
            throw new IllegalArgumentException(what + " " + list + ": at least one, and none twice");
        }
    }

    /** As configuration and commands name them; the default where none is named. */
    public static DhchapOffer parse(List<String> hashes, List<String> groups) {
        return new DhchapOffer(
                hashes.isEmpty()
                        ? DEFAULT.hashes
                        : hashes.stream().map(DhchapHash::parse).toList(),
                groups.isEmpty()
                        ? DEFAULT.groups
                        : groups.stream().map(DhchapGroup::parse).toList());
    }
}
