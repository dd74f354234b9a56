package io.doorbell.bench;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.VerbsQueuePair;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;

/** A host by NVMe/RDMA that knows no more than it takes to load a target by one I/O queue. One thread. */
final class RdmaHost implements AutoCloseable {
    private static final String NQN = "nqn.2014-08.org.nvmexpress:uuid:6f1c9c4a-1f2b-4a6e-9d55-0f4f6c2f9a10";
    private static final UUID HOST_ID = UUID.fromString("6f1c9c4a-1f2b-4a6e-9d55-0f4f6c2f9a10");
    private static final int ENTRIES = 32;
    private static final int NEW_CONTROLLER = 0xFFFF;
    private static final int ENABLED = 0x0046_0001;
    private static final int BLOCK_BYTES = 4096;
    private static final int IN_CAPSULE_BYTES = 4096;
    private static final int CAPSULE_SGL =
            SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, SglDescriptor.SUBTYPE_OFFSET);
    private static final int KEYED_SGL =
            SglDescriptor.identifier(SglDescriptor.TYPE_KEYED_DATA_BLOCK, SglDescriptor.SUBTYPE_ADDRESS);

    /** Of the memory, for each command: a capsule, an answer and data. */
    private static final int CAPSULE_BYTES = SubmissionEntry.SIZE_BYTES + IN_CAPSULE_BYTES;

    private static final int ANSWERS = ENTRIES * CAPSULE_BYTES;
    private static final int DATA = ANSWERS + 4096;
    private static final int DATA_BYTES = 128 << 10;
    private static final int CONNECT_DATA = DATA + ENTRIES * DATA_BYTES;

    private final RdmaEnd end = new RdmaEnd(CONNECT_DATA + ConnectData.SIZE_BYTES);
    private final MemorySegment memory = end.memory.segment();
    private final VerbsQueuePair admin;
    private final VerbsQueuePair queue;
    private Load load;
    private long blocks;

    RdmaHost(InetSocketAddress address, String subnqn, Runnable meanwhile) throws Exception {
        admin = connect(address, 0, meanwhile);
        int controller = (int) connect(admin, subnqn, 0, NEW_CONTROLLER, meanwhile);
        control(admin, FabricsCommand.PROPERTY_SET, 0, Registers.CC, ENABLED, 0, meanwhile);
        queue = connect(address, 1, meanwhile);
        connect(queue, subnqn, 1, controller & 0xFFFF, meanwhile);
    }

    private VerbsQueuePair connect(InetSocketAddress address, int qid, Runnable meanwhile) throws Exception {
        var pair = end.pair();
        for (int i = 0; i < ENTRIES; i++) {
            receive(pair, i);
        }
        var data = ByteBuffer.allocate(32)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(2, (short) qid)
                .putShort(4, (short) ENTRIES)
                .putShort(6, (short) (ENTRIES - 1));
        end.connect(pair, address, data.array(), meanwhile);
        return pair;
    }

    private void receive(VerbsQueuePair pair, int place) {
        end.receive(pair, place, ANSWERS + (long) place * CompletionEntry.SIZE_BYTES, CompletionEntry.SIZE_BYTES);
    }

    private long connect(VerbsQueuePair pair, String subnqn, int qid, int controller, Runnable meanwhile) {
        var data = memory.asSlice(CONNECT_DATA, ConnectData.SIZE_BYTES).fill((byte) 0);
        ConnectData.HOSTID.set(data, HOST_ID);
        ConnectData.CNTLID.set(data, controller);
        ConnectData.SUBNQN.set(data, subnqn);
        ConnectData.HOSTNQN.set(data, NQN);
        return control(
                pair,
                FabricsCommand.CONNECT,
                FabricsCommand.connectDword10(0, qid),
                FabricsCommand.connectDword11(ENTRIES - 1, FabricsCommand.CATTR_DISABLE_FLOW_CONTROL),
                0,
                ConnectData.SIZE_BYTES,
                meanwhile);
    }

    /** One fabrics command, and its result. */
    private long control(
            VerbsQueuePair pair, int fctype, int cdw10, int cdw11, int cdw12, int bytes, Runnable meanwhile) {
        command(0, AdminOpcode.FABRICS, fctype, cdw10, cdw11, cdw12, KEYED_SGL, CONNECT_DATA, bytes);
        send(0, SubmissionEntry.SIZE_BYTES);
        end.post(pair);
        while (true) {
            end.reactor.step();
            meanwhile.run();
            int count = end.poll();
            for (int i = 0; i < count; i++) {
                if (isAnswer(i)) {
                    int place = (int) end.completions.id(i);
                    receive(pair, place);
                    requireSuccess(place);
                    return CompletionEntry.dw01(memory, ANSWERS + (long) place * CompletionEntry.SIZE_BYTES);
                }
            }
        }
    }

    private void command(int cid, int opc, int nsid, int cdw10, int cdw11, int cdw12, int sgl, long data, int bytes) {
        long at = (long) cid * CAPSULE_BYTES;
        int flags = SubmissionEntry.flags(0, SubmissionEntry.PSDT_SGL);
        SubmissionEntry.encode(memory, at, opc, flags, cid, nsid, 0, 0, 0, cdw10, cdw11, cdw12, 0, 0, 0);
        long descriptor = at + SubmissionEntry.DPTR_OFFSET_BYTES;
        if (sgl == KEYED_SGL) {
            SglDescriptor.encodeKeyed(
                    memory, descriptor, SglDescriptor.SUBTYPE_ADDRESS, end.at(data), bytes, end.region.remoteKey());
        } else {
            SubmissionEntry.sgl1(memory, at, sgl, 0, bytes);
        }
    }

    private void send(int cid, int bytes) {
        end.sends.send(cid, 0);
        end.sends.segment(end.at((long) cid * CAPSULE_BYTES), bytes, end.region.localKey());
    }

    /** Puts the commands of a load in flight; each that ends is followed by another. */
    void begin(Load wanted) {
        load = wanted;
        for (int i = 0; i < Math.min(wanted.depth(), ENTRIES - 1); i++) {
            next(i);
        }
        end.post(queue);
    }

    private void next(int cid) {
        int nlbZeroBased = load.bytes() / BLOCK_BYTES - 1;
        blocks = blocks * 0x5DEECE66DL + 0xB & 0xFFFF_FFFFL;
        int slba = (int) (blocks >>> 8 & 0xFFFF) * (nlbZeroBased + 1);
        boolean capsule = !load.isRead() && load.bytes() <= IN_CAPSULE_BYTES;
        command(
                cid,
                load.isRead() ? NvmOpcode.READ : NvmOpcode.WRITE,
                1,
                slba,
                0,
                nlbZeroBased,
                capsule ? CAPSULE_SGL : KEYED_SGL,
                DATA + (long) cid * DATA_BYTES,
                load.bytes());
        send(cid, SubmissionEntry.SIZE_BYTES + (capsule ? load.bytes() : 0));
    }

    /** Takes what has come and sends what follows. Returns how many commands ended. */
    int poll() {
        end.reactor.step();
        int count = end.poll();
        int ended = 0;
        for (int i = 0; i < count; i++) {
            if (isAnswer(i)) {
                int place = (int) end.completions.id(i);
                requireSuccess(place);
                int cid = CompletionEntry.cid(
                        CompletionEntry.tail(memory, ANSWERS + (long) place * CompletionEntry.SIZE_BYTES));
                receive(queue, place);
                next(cid);
                ended++;
            }
        }
        if (ended > 0) {
            end.post(queue);
        }
        return ended;
    }

    private boolean isAnswer(int completion) {
        return (end.completions.opcode(completion) & Completions.RECEIVE) != 0;
    }

    private void requireSuccess(int place) {
        long tail = CompletionEntry.tail(memory, ANSWERS + (long) place * CompletionEntry.SIZE_BYTES);
        if (CompletionEntry.status(tail) != 0) {
            throw new IllegalStateException("a command ends with " + Integer.toHexString(CompletionEntry.status(tail)));
        }
    }

    @Override
    public void close() {
        end.close();
    }
}
