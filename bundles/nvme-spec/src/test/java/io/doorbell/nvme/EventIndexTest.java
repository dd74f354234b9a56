package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EventIndexTest {
    @Test
    void notifiesWhenTheMovePassesTheEventIndex() {
        assertThat(EventIndex.needsNotification(5, 6, 5)).isTrue();
        assertThat(EventIndex.needsNotification(5, 9, 3)).isTrue();
        assertThat(EventIndex.needsNotification(9, 9, 3)).isFalse();
        assertThat(EventIndex.needsNotification(2, 9, 3)).isFalse();
        assertThat(EventIndex.needsNotification(3, 3, 3)).isFalse();
        assertThat(EventIndex.needsNotification(0xFFFF, 0, 0xFFFF)).isTrue();
        assertThat(EventIndex.needsNotification(0xFFFF, 2, 0xFFFE)).isTrue();
    }

    /** The model walks: does the tail, entry by entry around the ring, leave the event index behind? */
    @Test
    void isExactOnEveryRingOfUpToFortyEntries() {
        for (int entries = 2; entries <= 40; entries++) {
            for (int from = 0; from < entries; from++) {
                for (int to = 0; to < entries; to++) {
                    for (int event = 0; event < entries; event++) {
                        checkAgainstModel(entries, event, to, from);
                    }
                }
            }
        }
    }

    @Test
    void isExactOnRandomRingsUpToTheLargest() {
        var random = Seed.random();
        for (int round = 0; round < 3000; round++) {
            int entries = random.nextInt(2, 65_537);
            int from = random.nextInt(entries);
            int to = (from + random.nextInt(Math.min(entries, 300))) % entries;
            int event = random.nextBoolean()
                    ? random.nextInt(entries)
                    : Math.floorMod(from + random.nextInt(-2, 300), entries);
            checkAgainstModel(entries, event, to, from);
        }
    }

    @Test
    void looksAtSixteenBitsOnly() {
        assertThat(EventIndex.needsNotification(0x7_0005, 0x3_0006, 0x1_0005)).isTrue();
        assertThat(EventIndex.needsNotification(0x7_0006, 0x3_0006, 0x1_0005)).isFalse();
    }

    private static void checkAgainstModel(int entries, int event, int to, int from) {
        boolean passed = false;
        for (int at = from; at != to; at = (at + 1) % entries) {
            passed |= at == event;
        }
        if (EventIndex.needsNotification(event, to, from) != passed) {
            throw new AssertionError("ring of " + entries + ", event index " + event + ", from " + from + " to " + to
                    + ": a notification is " + (passed ? "needed" : "not needed"));
        }
    }
}
