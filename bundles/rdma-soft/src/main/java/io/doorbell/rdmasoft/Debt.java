package io.doorbell.rdmasoft;

import java.util.concurrent.TimeUnit;

/**
 * What a peer has sent that was dropped, so that it has to send it again: up to which packet, whether it knows, when it is to be told once more, since
 * what it was told may be lost, and when there is no hope left. Owner: the lane.
 */
final class Debt {
    /** A peer that was told is told again after this: a NAK may be lost too. */
    private static final long TELL_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    /**
     * And then after this, which is longer than the longest timeout of its own. Linux's rxe sends again because of a NAK once, and then only when its
     * timer says so, until something new is acknowledged; and begins to wait anew whenever it hears anything ({@code rxe_completer}). Who tells it
     * again and again keeps it silent for ever.
     */
    private static final long TELL_LATER_NANOS = Requester.MAX_TIMEOUT_NANOS + TimeUnit.MILLISECONDS.toNanos(850);

    /** A peer that does not send again for so long cannot: three of the longest timeouts of its own. */
    private static final long HOPELESS_NANOS = 3 * Requester.MAX_TIMEOUT_NANOS;

    /** And has been told again so often since: time that passes while this thread gets no processor is none that the peer had. */
    private static final int HOPELESS_TELLINGS = 3;

    private static final long NEVER = Long.MAX_VALUE;

    private final Lane lane;

    private boolean known;
    private boolean owed;
    private int lastPsn;

    /** When something of it came last, or it began. */
    private long sinceNanos;

    /** How often the peer was told again since then. */
    private int tellings;

    private long tellAgainNanos = NEVER;
    private long intervalNanos;

    Debt(Lane lane) {
        this.lane = lane;
    }

    /** The peer knows from where to send again: what is ahead of that is dropped without a word. */
    boolean isKnown() {
        return known;
    }

    boolean isOwed() {
        return owed;
    }

    /** A packet of the peer's was dropped. */
    void dropped(int psn) {
        if (!owed) {
            owed = true;
            lastPsn = psn;
            anew();
        } else if (Psn.ahead(psn, lastPsn) > 0) {
            lastPsn = psn;
        }
    }

    private void anew() {
        sinceNanos = lane.nowNanos();
        tellings = 0;
    }

    /** The packet that was expected has come: whatever the peer was told is of the past. */
    void come() {
        known = false;
    }

    /** It was taken; the next is this one. */
    void paid(int expectedPsn) {
        if (!owed) {
            return;
        }
        owed = Psn.ahead(lastPsn, expectedPsn) >= 0;
        anew();
        intervalNanos = TELL_AGAIN_NANOS;
        if (owed) {
            tellLater();
        } else {
            tellAgainNanos = NEVER;
        }
    }

    /** The peer is to wait, and then to send this one again. */
    void deferred(int psn) {
        dropped(psn);
        anew();
        told();
    }

    /** The peer is told what is missing. */
    void told() {
        known = true;
        intervalNanos = TELL_AGAIN_NANOS;
        tellLater();
    }

    void toldAgain() {
        tellings++;
        intervalNanos = TELL_LATER_NANOS;
        tellLater();
    }

    private void tellLater() {
        tellAgainNanos = lane.nowNanos() + intervalNanos;
        lane.wakeAt(tellAgainNanos);
    }

    /** When the peer is to be told again; {@link Long#MAX_VALUE} for never. */
    long tellAgainNanos() {
        return tellAgainNanos;
    }

    /** The peer was told as often as makes sense. */
    boolean isHopeless(long nowNanos) {
        return nowNanos - sinceNanos >= HOPELESS_NANOS && tellings >= HOPELESS_TELLINGS;
    }

    /** The connection has ended. */
    void forget() {
        tellAgainNanos = NEVER;
    }
}
