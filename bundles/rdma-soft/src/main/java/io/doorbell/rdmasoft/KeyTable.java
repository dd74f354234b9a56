package io.doorbell.rdmasoft;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Random;

/**
 * Keys of a device: which memory each opens. A key is 10 bits by chance, 14 bits that find its place, 8 bits by chance, or of the user's for a
 * window; places are taken by chance too, so that a peer cannot guess a key from another.
 *
 * <p>Any thread finds; changes are under the lock.
 */
final class KeyTable {
    private static final int PLACE_BITS = 14;
    private static final int PLACES = 1 << PLACE_BITS;
    private static final int LOW_BITS = 8;
    private static final VarHandle ENTRY =
            MethodHandles.arrayElementVarHandle(KeyedMemory[].class).withInvokeExactBehavior();

    private final KeyedMemory[] entries = new KeyedMemory[PLACES];
    private final Random random;

    // Guarded by this.
    private int count;

    KeyTable(Random random) {
        this.random = random;
    }

    private static int place(int key) {
        return key >>> LOW_BITS & PLACES - 1;
    }

    /** What the key opens, or null. */
    KeyedMemory find(int key) {
        var entry = (KeyedMemory) ENTRY.getAcquire(entries, place(key));
        return entry != null && entry.key == key ? entry : null;
    }

    /** The region of a local key, or of a handle; null for none. */
    SoftRegion region(long key) {
        return find((int) key) instanceof SoftRegion region ? region : null;
    }

    /** The window of a key or of a handle; null for none. */
    SoftWindow window(long key) {
        return find((int) key) instanceof SoftWindow window ? window : null;
    }

    synchronized void add(KeyedMemory memory) {
        // One place in four stays free, so that a free one is soon found by chance.
        if (count >= PLACES - PLACES / 4) {
            throw new IllegalStateException("a device has at most " + count + " memory regions and windows");
        }
        int key;
        do {
            key = random.nextInt();
        } while (key == 0 || entries[place(key)] != null);
        memory.key = key;
        ENTRY.setRelease(entries, place(key), memory);
        count++;
    }

    synchronized void remove(KeyedMemory memory) {
        if (entries[place(memory.key)] == memory) {
            ENTRY.setRelease(entries, place(memory.key), (KeyedMemory) null);
            count--;
        }
    }

    /** Whether a window with this key now can have that one next: all but its lower bits stay. */
    static boolean isSuccessor(int key, int next) {
        return key >>> LOW_BITS == next >>> LOW_BITS && key != next;
    }
}
