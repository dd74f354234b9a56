package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.Doorbell;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class QueueDoorbellsTest {
    private static final int TAIL = 0;
    private static final int HEAD = 4;
    private static final int TAIL_EVENT = 64;
    private static final int HEAD_EVENT = 68;

    private final TestAccess access = new TestAccess();
    private final DmaRegion region = DmaRegion.allocate(access, 4096);
    private final MemorySegment shadow = region.segment();
    private final MemorySegment bar = access.doorbells();

    @AfterEach
    void close() {
        region.close();
        access.close();
    }

    private QueueDoorbells withShadows() {
        access.wantsSignal = true;
        return new QueueDoorbells(
                new QueueDoorbells.Words(word(bar, TAIL), word(shadow, TAIL), word(shadow, TAIL_EVENT)),
                new QueueDoorbells.Words(word(bar, HEAD), word(shadow, HEAD), word(shadow, HEAD_EVENT)),
                access);
    }

    private static MemorySegment word(MemorySegment segment, long offset) {
        return segment.asSlice(offset, 4);
    }

    /** A device that sleeps at random, having armed its event index at what it has seen, is woken by the next move. */
    @Test
    void alwaysWakesADeviceThatAskedForItAndSeldomOneThatDidNot() {
        var random = Seed.random("event index");
        for (int run = 0; run < 200; run++) {
            playEventIndex(random, 2 + random.nextInt(300));
        }
    }

    private void playEventIndex(Random random, int entries) {
        var doorbells = withShadows();
        shadow.fill((byte) 0);
        int tail = 0;
        int unseen = 0;
        int seen = 0;
        boolean asleep = true;
        for (int i = 0; i < 500; i++) {
            if (unseen < entries - 1 && random.nextBoolean()) {
                int step = 1 + random.nextInt(entries - 1 - unseen);
                unseen += step;
                tail = (tail + step) % entries;
                int signals = access.signals;
                long barStores = doorbells.tailBarStores;

                doorbells.ring(0, tail);

                assertThat(Doorbell.load(shadow, TAIL)).isEqualTo(tail);
                if (asleep) {
                    assertThat(access.signals)
                            .as("asleep at %d of %d, tail now %d", seen, entries, tail)
                            .isEqualTo(signals + 1);
                    assertThat(Doorbell.load(bar, TAIL)).isEqualTo(tail);
                    asleep = false;
                } else {
                    // Its event index is the one it was woken at or before: passing it again would need a whole round.
                    assertThat(doorbells.tailBarStores - barStores).isBetween(0L, 1L);
                }
            } else {
                seen = Doorbell.load(shadow, TAIL);
                unseen = 0;
                asleep = random.nextInt(4) == 0;
                if (asleep) {
                    Doorbell.store(shadow, TAIL_EVENT, seen);
                }
            }
        }
    }

    @Test
    void leavesTheBarAloneWhileTheDevicePolls() {
        var doorbells = withShadows();
        Doorbell.store(shadow, TAIL_EVENT, 200);
        Doorbell.store(shadow, HEAD_EVENT, 200);

        for (int i = 1; i < 100; i++) {
            doorbells.ring(i, i + 1);
        }

        assertThat(access.signals).isZero();
        assertThat(Doorbell.load(bar, TAIL)).isZero();
        assertThat(Doorbell.load(bar, HEAD)).isZero();
        assertThat(doorbells.tailShadowStores).isEqualTo(99);
    }

    @Test
    void storesToTheBarEachTimeWhereThereAreNoShadows() {
        access.wantsSignal = true;
        var doorbells = new QueueDoorbells(
                new QueueDoorbells.Words(word(bar, TAIL), null, null),
                new QueueDoorbells.Words(word(bar, HEAD), null, null),
                access);

        doorbells.ring(0, 1);
        doorbells.ring(1, 1);
        doorbells.ring(1, 1);
        doorbells.ring(2, 2);

        assertThat(access.signals).isEqualTo(3);
        assertThat(doorbells.tailBarStores).isEqualTo(2);
        assertThat(doorbells.headStores).isEqualTo(2);
        assertThat(Doorbell.load(bar, TAIL)).isEqualTo(2);
        assertThat(Doorbell.load(bar, HEAD)).isEqualTo(2);
    }
}
