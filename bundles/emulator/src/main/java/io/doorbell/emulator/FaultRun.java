package io.doorbell.emulator;

import io.doorbell.nvme.Status;
import java.util.List;
import java.util.SplittableRandom;

/** A {@link FaultPlan} in force: what it has counted so far. Owner: the device's reactor, but for {@link #fired}. */
final class FaultRun {
    private final EmulatedController controller;
    private final List<FaultRule> rules;
    private final long[] matched;
    private final long[] applied;
    private final SplittableRandom random;
    private volatile long fired;

    FaultRun(FaultPlan plan, EmulatedController controller) {
        this.controller = controller;
        rules = plan.rules();
        matched = new long[rules.size()];
        applied = new long[rules.size()];
        random = new SplittableRandom(plan.seed());
    }

    /** How many commands it has done something to. Any thread. */
    long fired() {
        return fired;
    }

    /**
     * Does what the first matching rule says of a command that was fetched just now.
     *
     * @return whether the command has been seen to; otherwise it is to be executed, and its end may still differ
     */
    boolean apply(EmulatedRequest request, long nowNanos) {
        for (int i = 0; i < rules.size(); i++) {
            if (applies(i, request)) {
                fired = fired + 1;
                return apply(rules.get(i), request, nowNanos);
            }
        }
        return false;
    }

    private boolean applies(int index, EmulatedRequest request) {
        var match = rules.get(index).match();
        int qid = request.queue.qid;
        if (match.kind() != FaultRule.Kind.ANY && (match.kind() == FaultRule.Kind.ADMIN) != (qid == 0)
                || match.qid() != FaultRule.ANY && match.qid() != qid
                || match.opc() != FaultRule.ANY && match.opc() != request.opc
                || match.nsid() != FaultRule.ANY && match.nsid() != Integer.toUnsignedLong(request.nsid)) {
            return false;
        }
        if (match.leastSlba() != FaultRule.ANY) {
            long slba = Integer.toUnsignedLong(request.cdw10) | (long) request.cdw11 << 32;
            if (slba < match.leastSlba() || slba > match.mostSlba()) {
                return false;
            }
        }
        long nth = matched[index]++ - match.after();
        if (nth < 0
                || nth % match.every() != 0
                || applied[index] >= match.count()
                || match.chance() < 1 && random.nextDouble() >= match.chance()) {
            return false;
        }
        applied[index]++;
        return true;
    }

    private boolean apply(FaultRule rule, EmulatedRequest request, long nowNanos) {
        var action = rule.action();
        if (action.fatal() || action.remove()) {
            // The command is never heard of again.
            request.queue.release(request);
            if (action.fatal()) {
                controller.fail("fault '" + rule.text() + "'");
            } else {
                controller.removedByFault("fault '" + rule.text() + "'");
            }
            return true;
        }
        request.fault = rule;
        if (action.mostDelayNanos() > 0) {
            long span = action.mostDelayNanos() - action.leastDelayNanos();
            long delay = action.leastDelayNanos() + (span == 0 ? 0 : random.nextLong(span + 1));
            controller.held.add(request, nowNanos + delay);
            return true;
        }
        return beginOtherwise(request);
    }

    /** Ends a command that is not to be executed. Returns false for one that is. */
    static boolean beginOtherwise(EmulatedRequest request) {
        var rule = request.fault;
        if (rule == null || rule.action().status() == FaultRule.ANY) {
            return false;
        }
        request.queue.answer(request, rule.action().status());
        return true;
    }

    /** The end of a command that a rule has something to say of. */
    static void answer(EmulatedRequest request, int status) {
        var action = request.fault.action();
        var queue = request.queue;
        request.fault = null;
        // What the device ended by itself has not been tampered with: aborted is aborted.
        if (status == Status.ABORTED_BY_REQUEST || status == Status.ABORTED_SQ_DELETION) {
            queue.completions.answer(request, status);
            return;
        }
        if (action.drop()) {
            queue.release(request);
            return;
        }
        request.cid = action.changedCid(request.cid);
        var completions = queue.completions;
        if (action.duplicate() && !completions.waiting() && completions.room(2) == 2) {
            completions.post(request.result, queue.head, queue.qid, request.cid, status);
        }
        completions.answer(request, status);
    }
}
