package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.TcpPdu;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * A connection with what may come of each of its commands: every PDU of the target is held against that. NVMe over TCP Transport 1.1 §3.6 "NVMe/TCP
 * PDUs", from the host's side.
 */
final class FuzzHost {
    static final UUID HOST_ID = UUID.fromString("11111111-2222-3333-4444-555555555555");
    static final String HOST = "nqn.2014-08.org.nvmexpress:uuid:" + HOST_ID;

    /** Answers that are open at once; a queue has fewer entries. */
    static final int SLOTS = 64;

    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

    final DrivenHost wire;
    final MemorySegment bytes;
    final Random random;
    final FuzzAnswer[] answers;
    private final FuzzBlocks blocks;
    private int openCount;
    private int entries = 1;
    private boolean flowControl = true;
    private int head;
    private int completions;

    /** It is not told of errors exactly: what came is looked at for its form alone. */
    boolean lenient;

    /** A TermReq has come, at this place of the memory; or -1. */
    long termination = -1;

    /** What an R2T that is not answered by itself asked for: see {@link #answersR2t}. */
    int ttag = -1;

    int ttagCid;
    boolean answersR2t = true;

    FuzzHost(DrivenTarget target, DrivenHost.Memory memory, FuzzAnswer[] answers, FuzzBlocks blocks, Random random) {
        this.answers = answers;
        this.blocks = blocks;
        this.random = random;
        wire = new DrivenHost(target, memory, random);
        bytes = wire.bytes;
        for (var answer : answers) {
            answer.open = false;
        }
    }

    static FuzzAnswer[] newAnswers() {
        var answers = new FuzzAnswer[SLOTS];
        for (int i = 0; i < SLOTS; i++) {
            answers[i] = new FuzzAnswer();
        }
        return answers;
    }

    /** A command identifier of a slot: the slot, and bits that mean nothing. */
    int cid(int slot) {
        return slot | random.nextInt(0x10000 / SLOTS) * SLOTS;
    }

    FuzzAnswer expect(int slot, int cid, Supplier<String> what) {
        openCount++;
        return answers[slot].expect(cid, what);
    }

    int entries() {
        return entries;
    }

    // Commands that have to be right.

    /** Makes a command in the memory. */
    void entry(int opc, int cid, int nsid, int cdw10, int cdw11, int cdw12) {
        int flags = SubmissionEntry.flags(0, SubmissionEntry.PSDT_SGL);
        SubmissionEntry.encode(
                bytes, DrivenHost.Memory.ENTRY, opc, flags, cid, nsid, 0, 0, 0, cdw10, cdw11, cdw12, 0, 0, 0);
    }

    void sgl(int identifier, long address, int length) {
        SubmissionEntry.sgl1(bytes, DrivenHost.Memory.ENTRY, identifier, address, length);
    }

    /** Stages a Connect with the data that are at {@link DrivenHost.Memory#CONNECT}. */
    void stageConnect(int cid, int qid, int recfmt, int sqsizeZeroBased, int cattr) {
        entry(
                0x7F,
                cid,
                FabricsCommand.CONNECT,
                FabricsCommand.connectDword10(recfmt, qid),
                FabricsCommand.connectDword11(sqsizeZeroBased, cattr),
                0);
        sgl(RawHost.CAPSULE, 0, ConnectData.SIZE_BYTES);
        long pdu = wire.capsule(ConnectData.SIZE_BYTES);
        MemorySegment.copy(bytes, DrivenHost.Memory.CONNECT, bytes, wire.dataOf(pdu), ConnectData.SIZE_BYTES);
        wire.sealData(pdu, ConnectData.SIZE_BYTES);
    }

    MemorySegment connectData(String subnqn, int cntlid) {
        var data = bytes.asSlice(DrivenHost.Memory.CONNECT, ConnectData.SIZE_BYTES);
        data.fill((byte) 0);
        ConnectData.HOSTID.set(data, HOST_ID);
        ConnectData.CNTLID.set(data, cntlid);
        ConnectData.SUBNQN.set(data, subnqn);
        ConnectData.HOSTNQN.set(data, HOST);
        return data;
    }

    /** Connects, and is let in. Returns the controller's identifier. */
    int connect(String subnqn, int cntlid, int qid, int sqEntries, int cattr) {
        connectData(subnqn, cntlid);
        int cid = cid(0);
        stageConnect(cid, qid, 0, sqEntries - 1, cattr);
        wire.flush();
        entries = sqEntries;
        flowControl = (cattr & FabricsCommand.CATTR_DISABLE_FLOW_CONTROL) == 0;
        head = 0;
        completions = 0;
        expect(0, cid, () -> "Connect");
        long answer = wire.await();
        assertThat(answer).as("an answer to Connect").isNotNegative();
        take(answer);
        assertThat(openCount).isZero();
        return (int) (bytes.get(WORD, answer + TcpPdu.ENTRY_OFFSET) & 0xFFFF);
    }

    /** Property Set, CC. */
    void configure(int cc) {
        int cid = cid(0);
        entry(0x7F, cid, FabricsCommand.PROPERTY_SET, 0, 0x14, cc);
        wire.capsule(0);
        expect(0, cid, () -> "Property Set");
        assertThat(settle()).isTrue();
    }

    // What comes.

    /** Sends what is staged and takes what comes until all is answered. Returns false when the target has ended the connection. */
    boolean settle() {
        wire.flush();
        while (openCount > 0) {
            long pdu = wire.await();
            if (pdu < 0 || !take(pdu)) {
                return false;
            }
            wire.flush();
        }
        return true;
    }

    /** Takes what is there already. */
    void drain() {
        for (long pdu = wire.poll(); pdu >= 0 && take(pdu); pdu = wire.poll()) {
            wire.flush();
        }
    }

    /** Takes all until the end. */
    void awaitEnd() {
        for (long pdu = wire.await(); pdu >= 0; pdu = wire.await()) {
            assertThat(termination).as("nothing comes behind a TermReq").isNegative();
            take(pdu);
        }
    }

    /** Returns false for a TermReq. */
    private boolean take(long at) {
        int type = TcpPdu.type(bytes, at);
        if (lenient && isNobodys(at, type)) {
            return true;
        }
        switch (type) {
            case TcpPdu.CAPSULE_RESP -> completion(at);
            case TcpPdu.C2H_DATA -> data(at);
            case TcpPdu.R2T -> readyToTransfer(at);
            case TcpPdu.ICRESP -> assertThat(lenient).isTrue();
            case TcpPdu.C2H_TERM_REQ -> {
                termination = at;
                return false;
            }
            default -> throw new AssertionError("the target sends " + TcpPdu.name(type));
        }
        return true;
    }

    /** As assertThat does, for what is said millions of times. */
    private static void require(long actual, long expected, String what) {
        if (actual != expected) {
            throw new AssertionError(what + " is " + actual + ", not " + expected);
        }
    }

    private static void require(boolean holds, FuzzAnswer answer, String what) {
        if (!holds) {
            throw new AssertionError(what + ": " + answer);
        }
    }

    private void requireHeader(long at, int hlen, int otherFlags) {
        require(TcpPdu.hlen(bytes, at), hlen, "HLEN");
        require(TcpPdu.flags(bytes, at) & ~otherFlags, wire.headerDigest ? TcpPdu.HEADER_DIGEST : 0, "FLAGS");
        if (wire.headerDigest) {
            require(TcpPdu.dword(bytes, at + hlen), wire.memory.crc(at, hlen), "HDGST");
        }
    }

    /** An answer to what turned out to be a command. */
    private boolean isNobodys(long at, int type) {
        int cid = switch (type) {
            case TcpPdu.CAPSULE_RESP -> CompletionEntry.cid(bytes.get(WORD, at + TcpPdu.ENTRY_OFFSET + 8));
            case TcpPdu.C2H_DATA, TcpPdu.R2T -> TcpPdu.cccid(bytes, at);
            default -> -1;
        };
        return cid >= 0 && (!answers[cid % SLOTS].open || answers[cid % SLOTS].cid != cid);
    }

    private FuzzAnswer answer(int cid) {
        var answer = answers[cid % SLOTS];
        if (!answer.open || answer.cid != cid) {
            throw new AssertionError("an answer to command " + cid + ", which was not sent, or was answered");
        }
        return answer;
    }

    private void completion(long at) {
        requireHeader(at, TcpPdu.CAPSULE_RESP_BYTES, 0);
        long tail = bytes.get(WORD, at + TcpPdu.ENTRY_OFFSET + 8);
        int status = CompletionEntry.status(tail);
        requireHead(CompletionEntry.sqhd(tail));
        var answer = answer(CompletionEntry.cid(tail));
        if (!answer.allows(status)) {
            throw new AssertionError(
                    String.format("%s, answered by %s (%03X)", answer, new Status(status), Status.code(status)));
        }
        boolean well = Status.code(status) == Status.SUCCESS;
        if (well && !answer.any) {
            require(answer.dataCame == answer.toHost > 0, answer, "with and without data");
        }
        if (answer.checkResult) {
            long result = bytes.get(WORD, at + TcpPdu.ENTRY_OFFSET);
            require(result == answer.result, answer, "the result is " + result);
        }
        close(answer, well);
    }

    private void requireHead(int sqhd) {
        head = head + 1 == entries ? 0 : head + 1;
        int expected = flowControl ? head : completions == 0 ? FabricsCommand.NO_FLOW_CONTROL_SQHD : 0;
        completions++;
        if (!lenient) {
            require(sqhd, expected, "SQHD");
        }
    }

    private void close(FuzzAnswer answer, boolean well) {
        answer.open = false;
        if (!answer.pending) {
            openCount--;
        }
        if (well && answer.writes) {
            blocks.written(answer.slba, answer.blocks, answer.stamp);
        } else if (well && answer.zeroes) {
            blocks.zeroed(answer.slba, answer.blocks);
        }
    }

    private void data(long at) {
        requireHeader(at, TcpPdu.DATA_BYTES, TcpPdu.DATA_DIGEST | TcpPdu.LAST | TcpPdu.SUCCESS);
        var answer = answer(TcpPdu.cccid(bytes, at));
        int flags = TcpPdu.flags(bytes, at);
        int datal = (int) TcpPdu.datal(bytes, at);
        require((flags & TcpPdu.LAST) != 0, answer, "all data, but not the last");
        require((flags & TcpPdu.DATA_DIGEST) != 0 == wire.dataDigest, answer, "DDGST");
        require(TcpPdu.datao(bytes, at), 0, "DATAO");
        long data = wire.dataOf(at);
        require(TcpPdu.plen(bytes, at), data - at + datal + (wire.dataDigest ? 4 : 0), "PLEN");
        if (wire.dataDigest) {
            require(TcpPdu.dword(bytes, data + datal), wire.memory.crc(data, datal), "DDGST");
        }
        require(!answer.dataCame, answer, "data twice");
        answer.dataCame = true;
        require(answer.any || datal == answer.toHost, answer, datal + " bytes of data");
        if (answer.verify) {
            blocks.requireRead(bytes, data, answer.slba, answer.blocks);
        }
        if ((flags & TcpPdu.SUCCESS) != 0) {
            require(!flowControl, answer, "no completion, and the host wants to know SQHD");
            require(answer.allows(Status.SUCCESS), answer, "success");
            close(answer, true);
        }
    }

    private void readyToTransfer(long at) {
        requireHeader(at, TcpPdu.R2T_BYTES, 0);
        int cid = TcpPdu.cccid(bytes, at);
        var answer = answer(cid);
        int length = (int) TcpPdu.datal(bytes, at);
        require(!answer.asked, answer, "asked for twice");
        answer.asked = true;
        require(TcpPdu.datao(bytes, at), 0, "R2TO");
        require(answer.any || length == answer.fromHost, answer, length + " bytes asked for");
        if (answersR2t) {
            transfer(answer, cid, TcpPdu.ttag(bytes, at), length);
        } else {
            ttag = TcpPdu.ttag(bytes, at);
            ttagCid = cid;
        }
    }

    /** Stages the data that were asked for, in as many PDUs as comes to mind. */
    private void transfer(FuzzAnswer answer, int cid, int tag, int length) {
        for (int done = 0; done < length; ) {
            int part = random.nextInt(3) == 0 ? length - done : 1 + random.nextInt(length - done);
            part = part < length - done ? Math.min(length - done, (part + 3) / 4 * 4) : part;
            long pdu = wire.h2cData(cid, tag, done, part, done + part == length);
            if (answer.writes || answer.fromHost > 0) {
                FuzzBlocks.write(bytes, wire.dataOf(pdu), answer.stamp, answer.slba, done, part);
            }
            wire.sealData(pdu, part);
            if (answer.spoil && wire.dataDigest && done + part == length) {
                long last = wire.dataOf(pdu) + random.nextInt(part);
                bytes.set(ValueLayout.JAVA_BYTE, last, (byte) ~bytes.get(ValueLayout.JAVA_BYTE, last));
            }
            done += part;
        }
    }

    /** The connection is over; what was to be written may have been. */
    void forget() {
        wire.close();
        for (var answer : answers) {
            if (answer.open) {
                answer.open = false;
                if (answer.writes || answer.zeroes) {
                    blocks.unknown(answer.slba, answer.blocks);
                }
            }
        }
        openCount = 0;
    }

    /** Commands that are to stay open. */
    void pend(FuzzAnswer answer) {
        answer.pending = true;
        openCount--;
    }
}
