package io.doorbell.verbs;

/** What may be done with memory; the numbers are those of libibverbs' {@code enum ibv_access_flags}. */
public final class Access {
    /** Receives and RDMA reads of this side may write there. */
    public static final int LOCAL_WRITE = 1;

    /** Peers may write there; only together with {@link #LOCAL_WRITE}. */
    public static final int REMOTE_WRITE = 2;

    /** Peers may read there. */
    public static final int REMOTE_READ = 4;

    /** Windows may be bound to it. */
    public static final int WINDOW_BIND = 16;

    private static final int ALL = LOCAL_WRITE | REMOTE_WRITE | REMOTE_READ | WINDOW_BIND;

    private Access() {}

    /** @throws IllegalArgumentException for flags that there are not, or that do not go together */
    public static int checked(int access) {
        if ((access & ~ALL) != 0) {
            throw new IllegalArgumentException("access 0x" + Integer.toHexString(access) + ": of 0x"
                    + Integer.toHexString(ALL) + ", see io.doorbell.verbs.Access");
        }
        if ((access & REMOTE_WRITE) != 0 && (access & LOCAL_WRITE) == 0) {
            throw new IllegalArgumentException("remote write without local write");
        }
        return access;
    }
}
