package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.SubmissionEntry;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The device's side of one queue pair, one step at a time: fetches what the tail doorbell covers, completes what it is told
 * to, and holds the host to the rules of the rings.
 */
final class RingDevice {
    private final MemorySegment submissionRing;
    private final MemorySegment completionRing;
    private final MemorySegment tailWord;
    private final MemorySegment headWord;
    private final int queueId;
    private final int entries;
    private int head;
    private int completionTail;
    private int phase = 1;

    /** What one fetched entry said. */
    record Command(
            int opc,
            int fuse,
            int cid,
            int nsid,
            long slba,
            int blockCount,
            int cdw12,
            long prp1,
            long prp2,
            int psdt,
            long mptr,
            int cdw3,
            int cdw14,
            int cdw15) {}

    RingDevice(
            int queueId,
            int entries,
            MemorySegment submissionRing,
            MemorySegment completionRing,
            MemorySegment tailWord,
            MemorySegment headWord) {
        this.queueId = queueId;
        this.entries = entries;
        this.submissionRing = submissionRing;
        this.completionRing = completionRing;
        this.tailWord = tailWord;
        this.headWord = headWord;
    }

    /** Fetches what is new. */
    List<Command> fetch() {
        int tail = Doorbell.load(tailWord, 0);
        assertThat(tail).isBetween(0, entries - 1);
        var fetched = new ArrayList<Command>();
        while (head != tail) {
            long entry = (long) head * SubmissionEntry.SIZE_BYTES;
            fetched.add(new Command(
                    SubmissionEntry.opc(submissionRing, entry),
                    SubmissionEntry.fuse(submissionRing, entry),
                    SubmissionEntry.cid(submissionRing, entry),
                    SubmissionEntry.nsid(submissionRing, entry),
                    SubmissionEntry.slba(submissionRing, entry),
                    SubmissionEntry.blockCount(submissionRing, entry),
                    SubmissionEntry.cdw12(submissionRing, entry),
                    SubmissionEntry.prp1(submissionRing, entry),
                    SubmissionEntry.prp2(submissionRing, entry),
                    SubmissionEntry.psdt(submissionRing, entry),
                    SubmissionEntry.mptr(submissionRing, entry),
                    SubmissionEntry.cdw3(submissionRing, entry),
                    SubmissionEntry.cdw14(submissionRing, entry),
                    SubmissionEntry.cdw15(submissionRing, entry)));
            head = (head + 1) % entries;
        }
        return fetched;
    }

    void complete(Command command) {
        complete(command.cid(), 0, 0);
    }

    void complete(Command command, int status) {
        complete(command.cid(), status, 0);
    }

    void complete(int cid, int status, long result) {
        post(queueId, cid, status, result);
    }

    /** Whether the host, as far as it has said, left room for a completion. */
    boolean hasRoom() {
        return (completionTail + 1) % entries != Doorbell.load(headWord, 0);
    }

    void post(int sqid, int cid, int status, long result) {
        assertThat(hasRoom()).as("the host let the completion queue overflow").isTrue();
        long entry = (long) completionTail * CompletionEntry.SIZE_BYTES;
        CompletionEntry.post(completionRing, entry, result, head, sqid, cid, status, phase);
        completionTail++;
        if (completionTail == entries) {
            completionTail = 0;
            phase ^= 1;
        }
    }
}
