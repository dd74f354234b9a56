package io.doorbell.platform;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * The same bytes with another lifetime. This is the fence of a lease: the holder gets a view in the lease's own shared arena, and closing that arena
 * makes every later access through the view throw {@link IllegalStateException}, whoever kept it, while the memory itself and other views of it
 * live on. The JVM guarantees it by a handshake with each thread; an access costs nothing more for it.
 *
 * <p>Any thread, control path: closing a shared arena takes from 0.2 ms to a few ms beside a busy reader.
 */
public final class MemoryView {
    private static final long RETRY_NANOS = 20_000;

    private MemoryView() {}

    /**
     * A view of all of {@code segment} that lives as long as {@code arena}, whatever becomes of the segment's own arena.
     *
     * <p>Memory of {@link NativeMemory} and {@link SharedMemory} stays mapped until all views of it are closed: their close is refused before. Of
     * other memory (a file mapped by the JDK, another arena's allocation) the caller sees to it that it outlives {@code arena}.
     *
     * @throws IllegalArgumentException if the segment is on the heap
     * @throws IllegalStateException if the segment or the arena is closed
     */
    @SuppressWarnings("restricted")
    public static MemorySegment within(MemorySegment segment, Arena arena) {
        NativeAccess.require();
        if (!segment.isNative()) {
            throw new IllegalArgumentException("no view of heap memory: the garbage collector moves it");
        }
        var mapping = Mapping.retain(segment.address());
        try {
            // After retain: a mapping that it missed because it was just unmapped has a dead segment by now.
            if (!segment.scope().isAlive()) {
                throw new IllegalStateException("the memory is closed already");
            }
            if (mapping == null) {
                // Safety: same address and size as a live segment; the caller promises that the memory outlives the
                // arena.
                return segment.reinterpret(arena, null);
            }
            // Safety: same address and size as a live segment of a mapping that cannot be unmapped before release().
            return segment.reinterpret(arena, ignored -> mapping.release());
        } catch (RuntimeException failed) {
            if (mapping != null) {
                mapping.release();
            }
            throw failed;
        }
    }

    /**
     * Closes a shared arena, again and again while a native call holds one of its segments. Nothing happens if it is closed already.
     *
     * @param bound how long to go on trying
     * @return nanoseconds taken
     * @throws IllegalStateException if a native call still holds a segment when the bound has passed; the arena is open then
     */
    public static long close(Arena arena, Duration bound) {
        return close(arena, bound, () -> {});
    }

    /** As {@link #close(Arena, Duration)}; {@code nudge} runs before each attempt and asks whoever is in a native call to come out. */
    static long close(Arena arena, Duration bound, Runnable nudge) {
        long startNanos = System.nanoTime();
        while (arena.scope().isAlive()) {
            nudge.run();
            try {
                arena.close();
            } catch (IllegalStateException refused) {
                long takenNanos = System.nanoTime() - startNanos;
                if (arena.scope().isAlive() && takenNanos >= bound.toNanos()) {
                    throw new IllegalStateException(
                            "memory is still held by a native call after " + bound + "; it was not closed", refused);
                }
                // Held by a native call, which ends soon; or it is closed (by another thread first, or a clean-up
                // action threw), and the loop ends.
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
        return System.nanoTime() - startNanos;
    }

    /**
     * For a thread whose access has just met the end of an arena. The JVM ends an access that is under way by an exception thrown into the
     * thread, and interrupts a platform thread for that, as for every exception that is thrown into one (HotSpot, {@code
     * JavaThread::install_async_exception}). Nobody meant that interrupt, and the next wait, which has nothing to do with the arena, would
     * end by it. An interrupt that was meant, and came in the same moment, is lost.
     */
    public static void forgetInterrupt() {
        if (!Thread.currentThread().isVirtual()) {
            Thread.interrupted();
        }
    }
}
