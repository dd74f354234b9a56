package io.doorbell.tcp;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/**
 * Commands, right and wrong in any of their fields, with what NVMe Base 2.1, the NVM Command Set 1.1 and NVMe over TCP 1.1 answer to them. The
 * answer is worked out from the fields as they are sent: where several are wrong, any of the errors is right.
 */
final class FuzzCommands {
    static final int NAMESPACE_BLOCKS = 16384;
    static final int MAX_TRANSFER = 1 << 17;
    static final int IN_CAPSULE = 8192;
    private static final int MAX_NSID = 1024;
    private static final int REGION_BLOCKS = NAMESPACE_BLOCKS / FuzzHost.SLOTS;
    private static final int BLOCK = FuzzBlocks.BLOCK_BYTES;
    private static final int CC_ENABLED = 0x0046_0001;
    private static final int ASYNC_EVENTS = 4;

    /** Neither defined nor kept for vendors. */
    private static final int[] UNDEFINED_IO = {0x03, 0x07, 0x0B, 0x10, 0x13, 0x1A, 0x24, 0x55, 0x78, 0x7C};

    /** The same, and those that are for queues in memory. NVMe Base 2.1 §3.1.3.4 "Command Support Requirements". */
    private static final int[] UNDEFINED_ADMIN = {0x00, 0x01, 0x03, 0x04, 0x05, 0x07, 0x0B, 0x0E, 0x12, 0x13, 0x7C, 0xC5
    };

    private final Random random;
    private final FuzzBlocks blocks;

    FuzzCommands(Random random, FuzzBlocks blocks) {
        this.random = random;
        this.blocks = blocks;
    }

    private int pick(int... of) {
        return of[random.nextInt(of.length)];
    }

    private boolean oneIn(int n) {
        return random.nextInt(n) == 0;
    }

    // I/O commands.

    /** Stages commands for the slots from {@code slot} on. Returns how many. */
    int io(FuzzHost host, int slot, int room) {
        int kind = random.nextInt(24);
        if (kind < 8) {
            return transfer(host, slot, NvmOpcode.READ, room);
        } else if (kind < 16) {
            return transfer(host, slot, NvmOpcode.WRITE, room);
        } else if (kind < 18) {
            return transfer(host, slot, NvmOpcode.COMPARE, room);
        } else if (kind < 20) {
            return room < 2 ? 0 : fused(host, slot);
        } else if (kind == 20) {
            return withoutData(host, slot);
        } else if (kind == 21) {
            return undefined(host, slot, pick(UNDEFINED_IO), "an undefined I/O opcode");
        } else if (kind == 22) {
            return fabricsOnIo(host, slot);
        }
        return withoutData(host, slot);
    }

    /** Fields of a command that moves blocks, right until they are changed. */
    private final class Transfer {
        int opc;
        int nsid = 1;
        int fuse;
        int psdt = SubmissionEntry.PSDT_SGL;
        int count;
        long slba;
        int identifier;
        long address;
        int length;
        int capsule;
        boolean spoil;
        boolean wrongContent;

        Transfer(int opc, int slot) {
            this.opc = opc;
            count = oneIn(12) ? 1 + random.nextInt(REGION_BLOCKS) : 1 + random.nextInt(16);
            slba = (long) slot * REGION_BLOCKS + random.nextInt(REGION_BLOCKS - count + 1);
            length = count * BLOCK;
            boolean fits = length <= IN_CAPSULE && opc != NvmOpcode.READ;
            capsule = fits && random.nextInt(3) > 0 ? length : 0;
            identifier = capsule > 0 ? RawHost.CAPSULE : RawHost.TRANSPORT;
        }

        void change() {
            switch (random.nextInt(10)) {
                case 0 -> nsid = pick(0, -1, 3, 5, MAX_NSID, MAX_NSID + 1, random.nextInt());
                case 1 -> slba = oneIn(2) ? random.nextLong() : NAMESPACE_BLOCKS - random.nextInt(count);
                case 2 -> count = 1 + random.nextInt(0x10000);
                case 3 -> psdt = pick(0, 2, 3);
                case 4 -> fuse = pick(1, 2, 3);
                case 5 -> identifier = random.nextInt(256);
                case 6 -> address = identifier == RawHost.CAPSULE ? pick(4, 512, 8192, -1) : 0;
                case 7 -> length = oneIn(2) ? random.nextInt() : Math.max(0, length + pick(-1, 1, -512, 512));
                case 8 -> spoil = true;
                default -> wrongContent = opc == NvmOpcode.COMPARE;
            }
        }

        String what() {
            return String.format(
                    "%s of %d at %d, namespace %d, fuse %d, PSDT %d, SGL %02X of %d at %d, %d in the capsule%s",
                    opc == NvmOpcode.READ ? "Read" : opc == NvmOpcode.WRITE ? "Write" : "Compare",
                    count,
                    slba,
                    nsid,
                    fuse,
                    psdt,
                    identifier,
                    Integer.toUnsignedLong(length),
                    address,
                    capsule,
                    spoil ? ", wrong digest" : "");
        }

        void errors(FuzzAnswer answer) {
            if (fuse == 3 || (fuse == 1 && opc != NvmOpcode.COMPARE) || (fuse == 2 && opc != NvmOpcode.WRITE)) {
                answer.or(Status.INVALID_FIELD);
            }
            if (fuse == 1 || fuse == 2) {
                answer.or(Status.ABORTED_MISSING_FUSED);
            }
            namespaceErrors(answer, nsid);
            if ((long) count * BLOCK > MAX_TRANSFER) {
                answer.or(Status.INVALID_FIELD);
            }
            if (slba < 0 || slba > NAMESPACE_BLOCKS - count) {
                answer.or(Status.LBA_OUT_OF_RANGE);
            }
            sglErrors(answer);
        }

        private void sglErrors(FuzzAnswer answer) {
            if (psdt != SubmissionEntry.PSDT_SGL) {
                answer.or(Status.INVALID_FIELD);
            }
            boolean inCapsule = identifier == RawHost.CAPSULE && opc != NvmOpcode.READ;
            if (!inCapsule && identifier != RawHost.TRANSPORT) {
                answer.or(Status.SGL_DESCRIPTOR_TYPE_INVALID);
            }
            long bytes = Integer.toUnsignedLong(length);
            if (bytes != (long) count * BLOCK) {
                answer.or(Status.DATA_SGL_LENGTH_INVALID);
            }
            if (inCapsule && (address < 0 || address > capsule)) {
                answer.or(Status.SGL_OFFSET_INVALID);
            } else if (inCapsule && address + bytes > capsule) {
                answer.or(Status.DATA_SGL_LENGTH_INVALID);
            }
        }
    }

    private void namespaceErrors(FuzzAnswer answer, int nsid) {
        if (nsid == 1) {
            return;
        }
        if (nsid < 1 || nsid > MAX_NSID) {
            answer.or(Status.INVALID_NAMESPACE_OR_FORMAT);
        }
        if ((nsid >= 1 && nsid <= MAX_NSID) || nsid == -1) {
            answer.or(Status.INVALID_FIELD);
        }
    }

    private int transfer(FuzzHost host, int slot, int opc, int room) {
        var one = new Transfer(opc, slot);
        for (int i = random.nextInt(4); i > 1; i--) {
            one.change();
        }
        if (one.fuse != 0 && room < 2) {
            one.fuse = 0;
        }
        stage(host, slot, one);
        if (one.fuse == 1 || one.fuse == 3) {
            // The first of a pair waits for whatever comes next.
            flush(host, slot + 1);
            return 2;
        }
        return 1;
    }

    private void stage(FuzzHost host, int slot, Transfer one) {
        int cid = host.cid(slot);
        var answer = host.expect(slot, cid, one::what);
        one.errors(answer);
        boolean right = !answer.isWrong();
        answer.slba = right ? one.slba : 0;
        answer.blocks = right ? one.count : 0;
        answer.stamp = blocks.nextStamp();
        answer.toHost = one.opc == NvmOpcode.READ ? one.count * BLOCK : 0;
        answer.verify = right && one.opc == NvmOpcode.READ;
        answer.writes = right && one.opc == NvmOpcode.WRITE;
        answer.spoil = one.spoil && one.identifier == RawHost.TRANSPORT && one.opc == NvmOpcode.WRITE;
        answer.fromHost = one.opc != NvmOpcode.READ && one.identifier == RawHost.TRANSPORT ? one.count * BLOCK : 0;
        encode(host, cid, one);
        long pdu = host.wire.capsule(one.capsule);
        boolean inCapsule = one.capsule > 0 && one.identifier == RawHost.CAPSULE;
        if (one.capsule > 0) {
            content(host, answer, one, pdu);
        }
        if (one.opc == NvmOpcode.COMPARE && right && !inCapsule) {
            // Data of its own, that hardly ever are what is there.
            answer.or(Status.COMPARE_FAILURE);
            answer.maySucceed = true;
        }
        if (host.wire.dataDigest && one.spoil && (inCapsule || answer.spoil)) {
            answer.or(Status.TRANSIENT_TRANSPORT_ERROR);
        }
    }

    private void encode(FuzzHost host, int cid, Transfer one) {
        int fua = random.nextInt(4) << 30;
        host.entry(one.opc, cid, one.nsid, (int) one.slba, (int) (one.slba >>> 32), one.count - 1 & 0xFFFF | fua);
        SubmissionEntry.flags(host.bytes, DrivenHost.Memory.ENTRY, SubmissionEntry.flags(one.fuse, one.psdt));
        host.sgl(one.identifier, one.address, one.length);
        if (oneIn(4)) {
            // Nothing that is looked at where there is neither metadata nor protection information.
            SubmissionEntry.cdw2(host.bytes, DrivenHost.Memory.ENTRY, random.nextInt());
            SubmissionEntry.cdw3(host.bytes, DrivenHost.Memory.ENTRY, random.nextInt());
            SubmissionEntry.mptr(host.bytes, DrivenHost.Memory.ENTRY, random.nextLong());
        }
    }

    /** Data of a capsule: what a Write is to write, what a Compare finds there, or not. */
    private void content(FuzzHost host, FuzzAnswer answer, Transfer one, long pdu) {
        long at = host.wire.dataOf(pdu);
        if (one.opc == NvmOpcode.COMPARE && !answer.isWrong()) {
            boolean known = blocks.current(host.bytes, at, one.slba, one.count);
            if (one.wrongContent) {
                long wrong = at + random.nextInt(one.capsule);
                host.bytes.set(ValueLayout.JAVA_BYTE, wrong, (byte) (host.bytes.get(ValueLayout.JAVA_BYTE, wrong) + 1));
            }
            if (one.wrongContent || !known) {
                answer.or(Status.COMPARE_FAILURE);
                answer.maySucceed = !known;
            }
        } else {
            FuzzBlocks.write(host.bytes, at, answer.stamp, answer.slba, 0, one.capsule);
        }
        host.wire.sealData(pdu, one.capsule);
        if (one.spoil && host.wire.dataDigest) {
            long wrong = at + random.nextInt(one.capsule + 4);
            host.bytes.set(ValueLayout.JAVA_BYTE, wrong, (byte) ~host.bytes.get(ValueLayout.JAVA_BYTE, wrong));
        }
    }

    /** A Compare and a Write as one, whose Compare finds what it looks for, or not; or whose ranges differ. */
    private int fused(FuzzHost host, int slot) {
        var compare = new Transfer(NvmOpcode.COMPARE, slot);
        compare.fuse = SubmissionEntry.FUSE_FIRST;
        compare.count = 1 + random.nextInt(8);
        compare.slba = (long) slot * REGION_BLOCKS;
        compare.length = compare.count * BLOCK;
        compare.capsule = compare.length;
        compare.identifier = RawHost.CAPSULE;
        compare.wrongContent = oneIn(3);
        var write = new Transfer(NvmOpcode.WRITE, slot);
        write.fuse = SubmissionEntry.FUSE_SECOND;
        write.count = compare.count;
        write.slba = compare.slba + (oneIn(4) ? 1 : 0);
        write.length = write.count * BLOCK;
        write.capsule = oneIn(2) ? write.length : 0;
        write.identifier = write.capsule > 0 ? RawHost.CAPSULE : RawHost.TRANSPORT;
        boolean pair = write.slba == compare.slba;

        int cid = host.cid(slot);
        var first = host.expect(slot, cid, () -> "the first of " + compare.what());
        first.slba = compare.slba;
        first.blocks = compare.count;
        encode(host, cid, compare);
        long pdu = host.wire.capsule(compare.capsule);
        content(host, first, compare, pdu);
        boolean unknown = first.maySucceed;
        boolean fails = first.isWrong();
        if (!pair) {
            first.or(Status.INVALID_FIELD);
            first.maySucceed = false;
        }

        cid = host.cid(slot + 1);
        var second = host.expect(slot + 1, cid, () -> "the second, " + write.what());
        second.slba = write.slba;
        second.blocks = write.count;
        second.stamp = blocks.nextStamp();
        second.writes = true;
        second.fromHost = write.capsule > 0 ? 0 : write.length;
        if (!pair || fails) {
            second.or(Status.ABORTED_FAILED_FUSED);
            second.maySucceed = pair && unknown;
        }
        encode(host, cid, write);
        pdu = host.wire.capsule(write.capsule);
        if (write.capsule > 0) {
            FuzzBlocks.write(host.bytes, host.wire.dataOf(pdu), second.stamp, write.slba, 0, write.capsule);
            host.wire.sealData(pdu, write.capsule);
        }
        return 2;
    }

    private void flush(FuzzHost host, int slot) {
        int cid = host.cid(slot);
        host.expect(slot, cid, () -> "Flush");
        host.entry(NvmOpcode.FLUSH, cid, 1, 0, 0, 0);
        host.wire.capsule(0);
    }

    private int withoutData(FuzzHost host, int slot) {
        int cid = host.cid(slot);
        int opc = pick(NvmOpcode.FLUSH, NvmOpcode.WRITE_ZEROES, NvmOpcode.VERIFY);
        int nsid = oneIn(4) ? pick(0, 3, MAX_NSID, MAX_NSID + 1, random.nextInt()) : 1;
        int most = oneIn(4) ? 1 + random.nextInt(0x10000) : 1 + random.nextInt(REGION_BLOCKS);
        long slba = oneIn(5) ? random.nextLong() : (long) slot * REGION_BLOCKS;
        // Into other slots' blocks it must not reach: those may be written meanwhile.
        int count = slba >= 0 && slba <= NAMESPACE_BLOCKS - most ? Math.min(most, REGION_BLOCKS) : most;
        var answer = host.expect(slot, cid, () -> "command " + opc + " of " + count + " at " + slba + " of " + nsid);
        namespaceErrors(answer, nsid);
        if (opc != NvmOpcode.FLUSH) {
            if (slba < 0 || slba > NAMESPACE_BLOCKS - count) {
                answer.or(Status.LBA_OUT_OF_RANGE);
            }
            if (opc == NvmOpcode.WRITE_ZEROES && !answer.isWrong()) {
                answer.slba = slba;
                answer.blocks = count;
                answer.zeroes = true;
            }
        }
        host.entry(opc, cid, nsid, (int) slba, (int) (slba >>> 32), count - 1 & 0xFFFF);
        host.wire.capsule(0);
        return 1;
    }

    private int undefined(FuzzHost host, int slot, int opc, String what) {
        int cid = host.cid(slot);
        host.expect(slot, cid, () -> what + " " + Integer.toHexString(opc)).or(Status.INVALID_OPCODE);
        host.entry(opc, cid, 1, random.nextInt(), random.nextInt(), random.nextInt());
        host.wire.capsule(oneIn(3) ? 4 * (1 + random.nextInt(64)) : 0);
        return 1;
    }

    private int fabricsOnIo(FuzzHost host, int slot) {
        int cid = host.cid(slot);
        int type = pick(FabricsCommand.PROPERTY_GET, FabricsCommand.PROPERTY_SET, 0x02, 0x0F, 0xC1);
        host.expect(slot, cid, () -> "Fabrics command " + type + " on an I/O queue")
                .or(Status.INVALID_OPCODE)
                .or(Status.INVALID_FIELD);
        host.entry(AdminOpcode.FABRICS, cid, type, random.nextInt(2), random.nextInt(64), 0);
        host.wire.capsule(0);
        return 1;
    }

    // Admin commands.

    int admin(FuzzHost host, int slot, int cntlid) {
        int cid = host.cid(slot);
        switch (random.nextInt(12)) {
            case 0, 1 -> identify(host, slot, cid);
            case 2, 3 -> logPage(host, slot, cid);
            case 4 -> features(host, slot, cid);
            case 5 -> {
                return undefined(host, slot, pick(UNDEFINED_ADMIN), "an undefined admin opcode");
            }
            case 6 -> {
                host.expect(slot, cid, () -> "Keep Alive");
                host.entry(AdminOpcode.KEEP_ALIVE, cid, 0, random.nextInt(), random.nextInt(), 0);
                host.wire.capsule(0);
            }
            case 7 -> {
                host.expect(slot, cid, () -> "Abort of what there is not").result(1);
                host.entry(AdminOpcode.ABORT, cid, 0, random.nextInt() | 1, 0, 0);
                host.wire.capsule(0);
            }
            case 8, 9 -> propertyGet(host, slot, cid);
            case 10 -> propertySet(host, slot, cid);
            default -> fabrics(host, slot, cid, cntlid);
        }
        return 1;
    }

    /** Data to the host, by an SGL that is right, or not. */
    private void toHost(FuzzHost host, FuzzAnswer answer, int bytes) {
        int identifier = RawHost.TRANSPORT;
        int length = bytes;
        if (oneIn(5)) {
            identifier = random.nextInt(256);
            if (identifier != RawHost.TRANSPORT) {
                answer.or(Status.SGL_DESCRIPTOR_TYPE_INVALID);
            }
        }
        if (oneIn(5)) {
            length = oneIn(2) ? random.nextInt() : bytes + pick(-4, 4, 4096);
            if (length != bytes) {
                answer.or(Status.DATA_SGL_LENGTH_INVALID);
            }
        }
        if (oneIn(8)) {
            answer.or(Status.INVALID_FIELD);
            SubmissionEntry.flags(host.bytes, DrivenHost.Memory.ENTRY, SubmissionEntry.flags(0, pick(0, 2, 3)));
        }
        if (oneIn(10)) {
            // No admin command is ever one of two.
            answer.or(Status.INVALID_FIELD);
            int flags = SubmissionEntry.flags(host.bytes, DrivenHost.Memory.ENTRY);
            SubmissionEntry.flags(host.bytes, DrivenHost.Memory.ENTRY, flags | 3);
        }
        answer.toHost = bytes;
        host.sgl(identifier, 0, length);
        host.wire.capsule(0);
    }

    private void identify(FuzzHost host, int slot, int cid) {
        int cns = oneIn(3) ? 0x60 + random.nextInt(0xA0) : pick(0, 1, 2, 3);
        int nsid = oneIn(4) ? pick(0, 3, MAX_NSID + 1, -2) : 1;
        var answer = host.expect(slot, cid, () -> "Identify " + cns + " of " + nsid);
        if (cns >= 0x60) {
            answer.or(Status.INVALID_FIELD);
        } else if (cns == 0 && (nsid < 1 || nsid > MAX_NSID)) {
            answer.or(Status.INVALID_NAMESPACE_OR_FORMAT);
        } else if (cns == 2 && nsid == -2) {
            answer.or(Status.INVALID_NAMESPACE_OR_FORMAT);
        } else if (cns == 3 && nsid != 1) {
            answer.or(Status.INVALID_NAMESPACE_OR_FORMAT).or(Status.INVALID_FIELD);
        }
        host.entry(AdminOpcode.IDENTIFY, cid, nsid, cns, 0, 0);
        toHost(host, answer, 4096);
    }

    private void logPage(FuzzHost host, int slot, int cid) {
        int lid = oneIn(3) ? 0xC0 + random.nextInt(0x40) : pick(1, 2, 3, 5);
        long dwords = oneIn(6) ? Math.max(1, random.nextInt() & 0xFFFF_FFFFL) : 1 + random.nextInt(256);
        int offset = oneIn(4) ? random.nextInt() : 0;
        int offsetHigh = oneIn(8) ? random.nextInt() : 0;
        var answer = host.expect(slot, cid, () -> "Get Log Page " + lid + " of " + dwords + " at " + offset);
        if (lid >= 0xC0) {
            answer.or(Status.INVALID_LOG_PAGE);
        }
        // The longest of these pages is 4096 bytes; whoever reads at the very end of one reads nothing.
        if (offset != 0 || offsetHigh != 0) {
            answer.or(Status.INVALID_FIELD);
            answer.maySucceed = offsetHigh == 0 && offset > 0 && offset <= 4096 && offset % 4 == 0;
        }
        if (dwords * 4 > MAX_TRANSFER) {
            answer.or(Status.INVALID_FIELD);
            answer.maySucceed = false;
        }
        int numd = (int) (dwords - 1);
        host.entry(AdminOpcode.GET_LOG_PAGE, cid, 0, lid | numd << 16, numd >>> 16, offset);
        SubmissionEntryFields.cdw13(host.bytes, offsetHigh);
        toHost(host, answer, (int) Math.min(dwords * 4, 1 << 20));
    }

    private void features(FuzzHost host, int slot, int cid) {
        boolean set = random.nextBoolean();
        // Not too short a time to live.
        int fid = set ? pick(0x07, 0x0B, 0x70, 0xBF, 0x00) : pick(0x07, 0x0F, 0x0B, 0x70, 0xBF, 0x00);
        var answer = host.expect(slot, cid, () -> (set ? "Set Features " : "Get Features ") + fid);
        if (fid == 0x70 || fid == 0xBF || fid == 0) {
            answer.or(Status.INVALID_FIELD);
        }
        if (set && fid == 0x07) {
            // Once it has queues they stay as many, and FFFFh of them is nothing to ask for.
            answer.or(Status.COMMAND_SEQUENCE_ERROR);
            answer.maySucceed = true;
        }
        int opc = set ? AdminOpcode.SET_FEATURES : AdminOpcode.GET_FEATURES;
        host.entry(opc, cid, 0, fid, set && fid == 0x07 ? 0x000F_000F : 0, 0);
        host.wire.capsule(0);
    }

    private void propertyGet(FuzzHost host, int slot, int cid) {
        int offset =
                oneIn(3) ? 4 * random.nextInt(2048) : pick(Registers.CAP, Registers.VS, Registers.CC, Registers.CSTS);
        int attribute = oneIn(3) ? random.nextInt(8) : offset == Registers.CAP ? 1 : 0;
        var answer = host.expect(slot, cid, () -> "Property Get of " + attribute + " at " + offset);
        boolean known = switch (offset) {
            case Registers.CAP -> attribute == 1;
            case Registers.VS, Registers.CC, Registers.CSTS, Registers.CRTO -> attribute == 0;
            default -> false;
        };
        if (!known) {
            answer.or(Status.INVALID_FIELD);
        } else if (offset == Registers.CC) {
            answer.result(CC_ENABLED);
        } else if (offset == Registers.CSTS) {
            answer.result(1);
        }
        host.entry(AdminOpcode.FABRICS, cid, FabricsCommand.PROPERTY_GET, attribute, offset, 0);
        host.wire.capsule(0);
    }

    private void propertySet(FuzzHost host, int slot, int cid) {
        int offset = oneIn(2) ? 4 * random.nextInt(2048) : Registers.CC;
        int attribute = oneIn(3) ? random.nextInt(8) : 0;
        var answer = host.expect(slot, cid, () -> "Property Set of " + attribute + " at " + offset);
        if (offset != Registers.CC || attribute != 0) {
            answer.or(Status.INVALID_FIELD);
        }
        host.entry(AdminOpcode.FABRICS, cid, FabricsCommand.PROPERTY_SET, attribute, offset, CC_ENABLED);
        host.wire.capsule(0);
    }

    private void fabrics(FuzzHost host, int slot, int cid, int cntlid) {
        if (oneIn(3)) {
            host.expect(slot, cid, () -> "a second Connect").or(Status.COMMAND_SEQUENCE_ERROR);
            host.connectData(FuzzTest.EXACT, cntlid);
            host.stageConnect(cid, random.nextInt(3), 0, 31, 0);
            return;
        }
        int type = pick(0x02, 0x03, 0x07, 0x09, 0x80, 0xC0, FabricsCommand.DISCONNECT);
        int recfmt = oneIn(3) ? 1 : 0;
        var answer = host.expect(slot, cid, () -> "Fabrics command " + type);
        if (type == FabricsCommand.DISCONNECT) {
            answer.or(FabricsStatus.INVALID_QUEUE_TYPE);
            if (recfmt != 0) {
                answer.or(FabricsStatus.INCOMPATIBLE_FORMAT);
            }
        } else {
            answer.or(Status.INVALID_OPCODE).or(Status.INVALID_FIELD);
        }
        host.entry(AdminOpcode.FABRICS, cid, type, recfmt, 0, 0);
        host.wire.capsule(0);
    }

    /** Asynchronous Event Requests, which stay, and one too many. */
    int events(FuzzHost host, int slot) {
        for (int i = 0; i <= ASYNC_EVENTS; i++) {
            int cid = host.cid(slot + i);
            var answer = host.expect(slot + i, cid, () -> "Asynchronous Event Request");
            if (i < ASYNC_EVENTS) {
                host.pend(answer);
            } else {
                answer.or(Status.ASYNC_EVENT_REQUEST_LIMIT_EXCEEDED);
            }
            host.entry(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST, cid, 0, 0, 0, 0);
            host.wire.capsule(0);
        }
        return ASYNC_EVENTS + 1;
    }

    /** Anything. */
    int wild(FuzzHost host, int slot, boolean admin) {
        int cid = host.cid(slot);
        var answer = host.expect(slot, cid, () -> "anything");
        answer.any = true;
        int opc = pick(
                0, 1, 2, 4, 5, 6, 8, 9, 0x0A, 0x0C, 0x0D, 0x0E, 0x10, 0x11, 0x14, 0x15, 0x19, 0x80, 0x81, 0x82, 0x84);
        if (oneIn(4)) {
            opc = random.nextInt(256);
        } else if (admin && oneIn(5)) {
            opc = AdminOpcode.FABRICS;
        }
        if (opc == AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST && admin) {
            host.pend(answer);
        }
        int nsid = opc == AdminOpcode.FABRICS ? random.nextInt(10) : oneIn(6) ? random.nextInt() : random.nextInt(5);
        host.entry(
                opc,
                cid,
                nsid,
                oneIn(4) ? random.nextInt() : random.nextInt(64),
                oneIn(8) ? random.nextInt() : random.nextInt(3) * random.nextInt(64),
                oneIn(8) ? random.nextInt() : random.nextInt(32));
        if (oneIn(8)) {
            SubmissionEntry.flags(host.bytes, DrivenHost.Memory.ENTRY, random.nextInt(256));
        }
        int capsule = oneIn(2) ? 4 * random.nextInt(IN_CAPSULE / 4 + 1) : 0;
        int length = oneIn(2) ? 4096 : oneIn(6) ? random.nextInt() : 512 * (1 + random.nextInt(32));
        host.sgl(
                oneIn(10) ? random.nextInt(256) : capsule > 0 ? RawHost.CAPSULE : RawHost.TRANSPORT,
                oneIn(20) ? random.nextLong() : 0,
                capsule > 0 && oneIn(2) ? capsule : length);
        long pdu = host.wire.capsule(capsule);
        for (int i = 0; i + 8 <= capsule && oneIn(2); i += 8) {
            host.bytes.set(
                    ValueLayout.JAVA_LONG_UNALIGNED, host.wire.dataOf(pdu) + i, random.nextInt(4) * random.nextLong());
        }
        host.wire.sealData(pdu, capsule);
        return 1;
    }

    /** The one field that {@link SubmissionEntry} has no setter for. */
    private static final class SubmissionEntryFields {
        static void cdw13(java.lang.foreign.MemorySegment bytes, int value) {
            bytes.set(ValueLayout.JAVA_INT_UNALIGNED, DrivenHost.Memory.ENTRY + 52, value);
        }
    }
}
