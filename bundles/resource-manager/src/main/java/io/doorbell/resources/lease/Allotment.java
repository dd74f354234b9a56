package io.doorbell.resources.lease;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Who gets the queue pairs of one controller. Pure: a situation in, decisions out.
 *
 * <p>The rules. A holder's <em>guaranteed part</em> is as many leases as its policy guarantees; the rest is surplus.
 * <ul>
 *   <li>A request within the guaranteed part goes before every other; then priority counts, then who came first.
 *   <li>What is guaranteed and not claimed is lent: anyone may hold it as surplus. So nothing lies idle, and the price is
 *       paid by the guaranteed request, which waits until somebody's surplus has been taken back for it.
 *   <li>For a guaranteed request, and only for one, surplus is taken back: from the holder of the least priority, its
 *       youngest lease. Never out of a guaranteed part, so where promises exceed the queue pairs the last has to wait.
 *   <li>A request that would pass its holder's maximum is refused. One that would pass it only because leases of the same
 *       holder are still on their way back waits for these, and nobody waits behind it.
 * </ul>
 */
final class Allotment {
    /** What a lease that has not ended is to this account. */
    enum Standing {
        /** Its queue pair is being made: cannot be taken back before it is there. */
        COMING,
        HELD,
        /** Being taken back: still occupies the queue pair, and will not for long. */
        LEAVING,
        /** Being taken back, and nobody knows how long that takes: a native call holds its memory, or the device its queues. */
        STUCK
    }

    /** @param grant order of the grants: more is younger */
    record Place(long grant, String holder, Standing standing) {}

    /** @param ticket order of the requests */
    record Request(long ticket, String holder) {}

    /** What is to be done. Every request gets one of {@code Grant}, {@code Refuse}, {@code Promise}, or none: it waits. */
    sealed interface Decision {
        record Grant(long ticket) implements Decision {}

        /** Its holder has its maximum. */
        record Refuse(long ticket) implements Decision {}

        /** It gets one of those that are leaving, or that are to leave as soon as they have come: it is to wait for that, whatever its own bound. */
        record Promise(long ticket) implements Decision {}

        record TakeBack(long grant) implements Decision {}
    }

    private final int capacity;
    private final Policy policy;
    private final Map<String, Policy.Rule> rules = new HashMap<>();
    private final Map<String, Integer> holds = new HashMap<>();
    private final Map<String, Integer> leaves = new HashMap<>();
    private final List<Place> places;
    private final List<Request> waiting;
    private final List<Decision> decisions = new ArrayList<>();

    private Allotment(int capacity, List<Place> places, List<Request> waiting, Policy policy) {
        this.capacity = capacity;
        this.policy = policy;
        this.places = places;
        this.waiting = new ArrayList<>(waiting);
        for (var place : places) {
            (isLeaving(place) ? leaves : holds).merge(place.holder, 1, Integer::sum);
        }
    }

    /** Decides on all requests that wait for queue pairs of one controller, which has {@code capacity} of them. */
    static List<Decision> decide(int capacity, List<Place> places, List<Request> waiting, Policy policy) {
        var allotment = new Allotment(capacity, places, waiting, policy);
        allotment.grant();
        allotment.promise();
        return allotment.decisions;
    }

    private void grant() {
        int free = capacity - places.size();
        while (true) {
            refuseWhatPassesTheMaximum();
            var next = next();
            if (next == null || free <= 0) {
                return;
            }
            decisions.add(new Decision.Grant(next.ticket));
            serve(next);
            free--;
        }
    }

    private void promise() {
        int leaving = (int) places.stream()
                .filter(place -> place.standing == Standing.LEAVING)
                .count();
        Set<Place> taken = new HashSet<>();
        for (var next = next(); next != null && isGuaranteed(next); next = next()) {
            if (leaving > 0) {
                leaving--;
            } else {
                var victim = surplus(Standing.HELD, taken);
                if (victim != null) {
                    decisions.add(new Decision.TakeBack(victim.grant));
                } else {
                    // It is taken back when it has come, since everything is decided anew then.
                    victim = surplus(Standing.COMING, taken);
                }
                if (victim == null) {
                    return;
                }
                taken.add(victim);
                holds.merge(victim.holder, -1, Integer::sum);
            }
            decisions.add(new Decision.Promise(next.ticket));
            serve(next);
        }
    }

    private void refuseWhatPassesTheMaximum() {
        waiting.removeIf(request -> {
            boolean passes = held(request.holder) >= rule(request.holder).maximum();
            if (passes) {
                decisions.add(new Decision.Refuse(request.ticket));
            }
            return passes;
        });
    }

    private Request next() {
        return waiting.stream()
                .filter(request -> held(request.holder) + leaves.getOrDefault(request.holder, 0)
                        < rule(request.holder).maximum())
                .min(Comparator.comparing((Request request) -> !isGuaranteed(request))
                        .thenComparing(request -> rule(request.holder).priority(), Comparator.reverseOrder())
                        .thenComparing(Request::ticket))
                .orElse(null);
    }

    /** The youngest lease of that standing among the holders with a surplus that have the least priority. */
    private Place surplus(Standing standing, Set<Place> taken) {
        return places.stream()
                .filter(place -> place.standing == standing && !taken.contains(place))
                .filter(place -> held(place.holder) > rule(place.holder).guaranteed())
                .min(Comparator.comparing((Place place) -> rule(place.holder).priority())
                        .thenComparing(Place::grant, Comparator.reverseOrder()))
                .orElse(null);
    }

    private void serve(Request request) {
        holds.merge(request.holder, 1, Integer::sum);
        waiting.remove(request);
    }

    private boolean isGuaranteed(Request request) {
        return held(request.holder) < rule(request.holder).guaranteed();
    }

    private int held(String holder) {
        return holds.getOrDefault(holder, 0);
    }

    private Policy.Rule rule(String holder) {
        return rules.computeIfAbsent(holder, policy::of);
    }

    private static boolean isLeaving(Place place) {
        return place.standing == Standing.LEAVING || place.standing == Standing.STUCK;
    }
}
