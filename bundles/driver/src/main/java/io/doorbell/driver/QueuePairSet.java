package io.doorbell.driver;

import io.doorbell.nvme.NvmeException;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The I/O queue pairs of a controller, and the ids they have. Control plane, any thread.
 *
 * <p>An id is used again only when its queue pair is fenced. Until then somebody may hold its way to the controller, and over a
 * reset of the controller too.
 */
public final class QueuePairSet {
    /** Leaves two bits of a command id for its generation. */
    public static final int MAX_ENTRIES = 16_384;

    /** How long after its Abort a command may take before the controller is reset. */
    public static final int ABORT_MILLIS = 2_000;

    private final String name;
    private final List<DriverQueuePairControl> controls = new CopyOnWriteArrayList<>();

    /** How queue pairs end that are made while the controller leaves. */
    private volatile OwnedQueuePair.Ending gone;

    // Guarded by this.
    private final BitSet idsInUse = new BitSet();
    private BlockFormats formats = BlockFormats.NONE;

    public QueuePairSet(String name) {
        this.name = name;
        idsInUse.set(0); // The admin queue.
    }

    /** Namespaces were read; queue pairs, those to come too, know of them. */
    public synchronized void use(List<BlockFormats.Format> read) {
        formats = BlockFormats.of(read, formats);
        for (var control : controls) {
            ((StagingQueuePair) control.pair()).formats(formats);
        }
    }

    public synchronized BlockFormats formats() {
        return formats;
    }

    /**
     * @param most ids there are, from 1
     * @param label who asks, for the message
     */
    public synchronized int takeId(int most, String label) {
        int queueId = idsInUse.nextClearBit(0);
        if (queueId > most) {
            throw new NvmeException(
                    NvmeException.Kind.RETRY,
                    name + ", creating a queue pair for " + label,
                    "all " + most + " are in use");
        }
        idsInUse.set(queueId);
        return queueId;
    }

    public synchronized void giveBackId(int queueId) {
        idsInUse.clear(queueId);
    }

    /** One more, made a moment ago. Returns its control. */
    public DriverQueuePairControl add(StagingQueuePair pair, Runnable free, QueueAdmin admin, Runnable silence) {
        var control = new DriverQueuePairControl(pair, free, admin, silence);
        controls.add(control);
        // What came between, and has not met this queue pair in the list.
        pair.formats(formats());
        var end = gone;
        if (end != null) {
            pair.endWith(end);
        }
        return control;
    }

    /** A queue pair failed by itself. Blocks. */
    public void failed(TrackedQueuePair pair, String reason) {
        for (var control : controls) {
            if (control.pair() == pair) {
                control.failed(reason);
            }
        }
    }

    /** Commands of a queue pair take too long: its holder is told. */
    public void late(TrackedQueuePair pair, int commands) {
        for (var control : controls) {
            if (control.pair() == pair) {
                control.late(commands);
            }
        }
    }

    public void disconnect(String reason) {
        for (var control : controls) {
            control.pair().disconnect(reason);
        }
    }

    /** The controller reaches none of them any more. */
    public void endAll(OwnedQueuePair.Ending ending) {
        for (var control : controls) {
            control.pair().endWith(ending);
        }
    }

    /** As {@link #endAll}, for those to come too. */
    public void endForGood(OwnedQueuePair.Ending ending) {
        gone = ending;
        endAll(ending);
    }

    public boolean isEndedForGood() {
        return gone != null;
    }

    /** Fenced. */
    public void release(DriverQueuePairControl control) {
        controls.remove(control);
        giveBackId(control.pair().queueId());
    }

    /** Commands that have ended, on those that are there. */
    public long completedCommands() {
        long sum = 0;
        for (var control : controls) {
            sum += control.pair().completed;
        }
        return sum;
    }

    /** Those that are not fenced yet. */
    public int size() {
        return controls.size();
    }
}
