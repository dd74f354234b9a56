package io.doorbell.subsystem;

import io.doorbell.nvme.DeviceSelfTestLog;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Device self-tests of a subsystem, one at a time (DSTO). NVMe Base 2.1 §8.1.7 "Device Self-test Operations". Any thread.
 *
 * <p>The short one makes durable what every namespace has written; the extended one reads every block besides. So a store
 * that has failed is found, and nothing else is tested, since there is no hardware. The log is kept in memory.
 */
final class SelfTests {
    /** To {@link #stop}: whatever namespace it is of. */
    static final int ALL = 0;

    private static final Logger LOG = LoggerFactory.getLogger(SelfTests.class);

    private static final int SEGMENT_CACHE = 1;
    private static final int SEGMENT_MEDIA = 2;

    private record Result(int code, int result, int segment, long hours, int nsid) {}

    private static final class Run {
        final int code;
        final int nsid;
        final NvmController starter;
        volatile int percent;

        Run(int code, int nsid, NvmController starter) {
            this.code = code;
            this.nsid = nsid;
            this.starter = starter;
        }
    }

    private final NvmSubsystem subsystem;

    /** Written under the lock. A run that is not this one any more has been stopped. */
    private volatile Run current;

    // Guarded by this.
    private final ArrayDeque<Result> results = new ArrayDeque<>(DeviceSelfTestLog.MAX_RESULTS);

    SelfTests(NvmSubsystem subsystem) {
        this.subsystem = subsystem;
    }

    synchronized void writeTo(MemorySegment page) {
        var run = current;
        DeviceSelfTestLog.CURRENT_OPERATION.set(page, run == null ? 0 : run.code);
        DeviceSelfTestLog.CURRENT_COMPLETION.set(page, run == null ? 0 : run.percent);
        int index = 0;
        for (var result : results) {
            long at = DeviceSelfTestLog.resultOffset(index++);
            DeviceSelfTestLog.STATUS.set(page, at, result.result() | result.code() << 4);
            DeviceSelfTestLog.SEGMENT.set(page, at, result.segment());
            DeviceSelfTestLog.POWER_ON_HOURS.set(page, at, result.hours());
            if (result.nsid() != 0) {
                DeviceSelfTestLog.VALID.set(page, at, DeviceSelfTestLog.VALID_NSID);
                DeviceSelfTestLog.NSID.set(page, at, result.nsid());
            }
        }
        while (index < DeviceSelfTestLog.MAX_RESULTS) {
            DeviceSelfTestLog.STATUS.set(page, DeviceSelfTestLog.resultOffset(index++), DeviceSelfTestLog.UNUSED);
        }
    }

    /** Device Self-test: a status; with success it has begun, or was stopped. */
    int command(int nsid, int code, NvmController starter) {
        if (code == DeviceSelfTestLog.CODE_ABORT) {
            stop(ALL, DeviceSelfTestLog.ABORTED_BY_COMMAND);
            return Status.SUCCESS;
        }
        if (code != DeviceSelfTestLog.CODE_SHORT && code != DeviceSelfTestLog.CODE_EXTENDED) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        boolean all = nsid == NamespaceList.BROADCAST_NSID;
        var one = starter.attached(nsid);
        if (!all && nsid != 0 && one == null) {
            return nsid >= 1 && nsid <= NvmSubsystem.MAX_NSID
                    ? Status.INVALID_FIELD | Status.DNR
                    : Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
        }
        Run run;
        synchronized (this) {
            if (current != null) {
                return Status.DEVICE_SELF_TEST_IN_PROGRESS | Status.DNR;
            }
            run = new Run(code, nsid, starter);
            current = run;
        }
        var namespaces = all ? subsystem.all() : one == null ? List.<SubsystemNamespace>of() : List.of(one);
        // A platform thread: reading files keeps it.
        Thread.ofPlatform().daemon().name("self-test " + subsystem).start(() -> test(run, namespaces));
        return Status.SUCCESS;
    }

    private void test(Run run, List<SubsystemNamespace> namespaces) {
        for (int i = 0; i < namespaces.size() && current == run; i++) {
            var namespace = namespaces.get(i);
            if (!namespace.use()) {
                continue;
            }
            int segment = SEGMENT_CACHE;
            try {
                namespace.namespace().flush();
                segment = SEGMENT_MEDIA;
                int before = i;
                if (run.code == DeviceSelfTestLog.CODE_EXTENDED) {
                    namespace.namespace().scan((done, of) -> {
                        run.percent = (int) ((before + (double) done / of) * 100 / namespaces.size());
                        return current == run && !namespace.isRemoved();
                    });
                }
            } catch (RuntimeException | Error failed) {
                // Whatever it is: no test could be started any more, had this one no end.
                LOG.error("{}: the self-test of {} failed", subsystem, namespace, failed);
                end(run, DeviceSelfTestLog.FAILED_SEGMENTS, segment, namespace.nsid());
            } finally {
                namespace.endUse();
            }
            run.percent = (i + 1) * 100 / namespaces.size();
        }
        end(run, DeviceSelfTestLog.PASSED, 0, 0);
    }

    private synchronized void end(Run run, int result, int segment, int nsid) {
        if (current != run) {
            return;
        }
        current = null;
        if (results.size() == DeviceSelfTestLog.MAX_RESULTS) {
            results.removeLast();
        }
        results.addFirst(new Result(run.code, result, segment, subsystem.life().powerOnHours(), nsid));
    }

    /** Ends the one that runs, if it is of this namespace too. It is in the log when this returns. */
    synchronized void stop(int nsid, int result) {
        var run = current;
        if (run != null && (nsid == ALL || run.nsid == nsid || run.nsid == NamespaceList.BROADCAST_NSID)) {
            end(run, result, 0, nsid);
        }
    }

    /** A controller level reset ends a short test; an extended one goes on. */
    synchronized void reset(NvmController controller) {
        var run = current;
        if (run != null && run.code == DeviceSelfTestLog.CODE_SHORT && run.starter == controller) {
            end(run, DeviceSelfTestLog.ABORTED_BY_RESET, 0, 0);
        }
    }
}
