package io.doorbell.host.admin;

import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.DeviceSelfTestLog;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.NvmeException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The controller's test of itself and of its namespaces. NVMe Base 2.1 §5.1.5 "Device Self-test command", §8.1.7 "Device
 * Self-test Operations". Any thread. It goes on after the command has ended, beside I/O.
 */
public final class SelfTest {
    private static final long LOOK_NANOS = 10_000_000;

    private final AdminCommands admin;

    /**
     * What runs, and what was.
     *
     * @param running code of the test that runs, 0 for none
     * @param percent of it that is done
     * @param results the newest first
     */
    public record Report(int running, int percent, List<Result> results) {}

    /**
     * @param code of the test
     * @param result one of the results of {@link DeviceSelfTestLog}
     * @param segment the first that failed, where the result says that there is one
     * @param nsid where it failed, and at which block, with which status; absent where it is not said
     */
    public record Result(
            int code,
            int result,
            int segment,
            long powerOnHours,
            OptionalInt nsid,
            OptionalLong failingLba,
            OptionalInt sct,
            OptionalInt sc) {
        static Result of(MemorySegment page, long start) {
            int status = DeviceSelfTestLog.STATUS.get(page, start);
            int valid = DeviceSelfTestLog.VALID.get(page, start);
            return new Result(
                    status >> 4,
                    status & 0xF,
                    DeviceSelfTestLog.SEGMENT.get(page, start),
                    DeviceSelfTestLog.POWER_ON_HOURS.get(page, start),
                    (valid & DeviceSelfTestLog.VALID_NSID) == 0
                            ? OptionalInt.empty()
                            : OptionalInt.of(DeviceSelfTestLog.NSID.get(page, start)),
                    (valid & DeviceSelfTestLog.VALID_FAILING_LBA) == 0
                            ? OptionalLong.empty()
                            : OptionalLong.of(DeviceSelfTestLog.FAILING_LBA.get(page, start)),
                    (valid & DeviceSelfTestLog.VALID_SCT) == 0
                            ? OptionalInt.empty()
                            : OptionalInt.of(DeviceSelfTestLog.SCT.get(page, start)),
                    (valid & DeviceSelfTestLog.VALID_SC) == 0
                            ? OptionalInt.empty()
                            : OptionalInt.of(DeviceSelfTestLog.SC.get(page, start)));
        }
    }

    public SelfTest(AdminCommands admin) {
        this.admin = admin;
    }

    /** Of the controller and all of its namespaces, two minutes at most. */
    public void startShort() {
        start(NamespaceList.BROADCAST_NSID, DeviceSelfTestLog.CODE_SHORT);
    }

    /** Of the controller and all of its namespaces; takes what EDSTT says, in minutes. */
    public void startExtended() {
        start(NamespaceList.BROADCAST_NSID, DeviceSelfTestLog.CODE_EXTENDED);
    }

    /**
     * @param nsid 0 for the controller alone, FFFFFFFFh for all active namespaces besides
     * @param code one of the codes of {@link DeviceSelfTestLog}
     */
    public void start(int nsid, int code) {
        var command = new NvmCommand().reset(AdminOpcode.DEVICE_SELF_TEST, nsid);
        command.cdw10 = code & 0xF;
        admin.raw(command, null);
    }

    /** Ends the one that runs; it goes to the log. Nothing happens where none runs. */
    public void abort() {
        start(NamespaceList.BROADCAST_NSID, DeviceSelfTestLog.CODE_ABORT);
    }

    public Report report() {
        return report(admin.selfTestLog());
    }

    /** What a log page says. */
    public static Report report(MemorySegment page) {
        var results = new ArrayList<Result>();
        for (int i = 0; i < DeviceSelfTestLog.MAX_RESULTS; i++) {
            var result = Result.of(page, DeviceSelfTestLog.resultOffset(i));
            if (result.result() != DeviceSelfTestLog.UNUSED) {
                results.add(result);
            }
        }
        return new Report(
                DeviceSelfTestLog.CURRENT_OPERATION.get(page) & 0xF,
                DeviceSelfTestLog.CURRENT_COMPLETION.get(page) & 0x7F,
                List.copyOf(results));
    }

    /**
     * Waits until none runs.
     *
     * @throws NvmeException of kind {@code RETRY} when it goes on at the bound, or the thread is interrupted
     */
    public Report await(Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        while (true) {
            var now = report();
            if (now.running() == 0) {
                return now;
            }
            if (System.nanoTime() - deadline >= 0 || Thread.currentThread().isInterrupted()) {
                throw new NvmeException(
                        NvmeException.Kind.RETRY,
                        admin.controller() + ", Device Self-test",
                        "goes on, " + now.percent() + " % are done");
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }
}
