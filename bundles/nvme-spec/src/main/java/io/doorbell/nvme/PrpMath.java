package io.doorbell.nvme;

/**
 * How many pages, entries and lists a transfer takes. NVMe Base 2.1 §4.3.1 "Physical Region Page Entry and List".
 *
 * <p>Page sizes are powers of two, 4,096 or more. Addresses are IOVAs, lengths at least 1.
 */
public final class PrpMath {
    public static final int PAGE_BYTES = 4096;
    public static final int ENTRY_BYTES = 8;

    /** PRP entries point at dwords. */
    public static final int ALIGNMENT_BYTES = 4;

    private PrpMath() {}

    public static int offsetInPage(long iova, int pageBytes) {
        return (int) iova & pageBytes - 1;
    }

    public static long pageStart(long iova, int pageBytes) {
        return iova & -pageBytes;
    }

    public static boolean isPageAligned(long iova, int pageBytes) {
        return offsetInPage(iova, pageBytes) == 0;
    }

    /** Bytes of the transfer in its first page: what PRP 1 covers. */
    public static int firstPageBytes(long iova, long lengthBytes, int pageBytes) {
        return (int) Math.min(lengthBytes, pageBytes - offsetInPage(iova, pageBytes));
    }

    /** Pages touched: each needs one PRP entry. */
    public static int pageCount(long iova, long lengthBytes, int pageBytes) {
        long bytes = offsetInPage(iova, pageBytes) + lengthBytes;
        return (int) (bytes + pageBytes - 1 >>> Integer.numberOfTrailingZeros(pageBytes));
    }

    /** Entries in the PRP list: none when PRP 1, or PRP 1 and 2, cover the transfer. */
    public static int listEntryCount(long iova, long lengthBytes, int pageBytes) {
        int pages = pageCount(iova, lengthBytes, pageBytes);
        return pages <= 2 ? 0 : pages - 1;
    }

    public static int entriesPerListPage(int pageBytes) {
        return pageBytes / ENTRY_BYTES;
    }

    /** Pages a list of so many entries takes, when it starts on a page: the last entry of a full page chains. */
    public static int listPageCount(int entryCount, int pageBytes) {
        // n pages hold n - 1 chain pointers, so entries = n * perPage - (n - 1).
        return entryCount <= 1 ? entryCount : Math.ceilDiv(entryCount - 1, entriesPerListPage(pageBytes) - 1);
    }

    /** Largest transfer, in bytes, that MDTS allows; {@link Long#MAX_VALUE} when it sets no limit, or one beyond a long. */
    public static long maxTransferBytes(int mdts, int minPageBytes) {
        // MDTS is a whole byte, and a shift of a long takes six bits of it.
        return mdts == 0 || mdts >= Long.numberOfLeadingZeros(minPageBytes)
                ? Long.MAX_VALUE
                : (long) minPageBytes << mdts;
    }
}
