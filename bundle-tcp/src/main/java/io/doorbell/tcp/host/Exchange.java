package io.doorbell.tcp.host;

import io.doorbell.driver.AdminRequest;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.platform.MemoryView;
import io.doorbell.platform.TcpSocket;
import io.doorbell.tcp.Violation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** Commands one at a time, over a connection that is no queue yet. Blocks. One thread at a time. */
final class Exchange implements TcpLink.User, AutoCloseable {
    /** Most data of one command. */
    static final int DATA_BYTES = 16 * 1024;

    private static final int SLOTS = 2;
    private static final int SLOT = 0;
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(2);

    private final String name;
    private final TcpSocket socket;
    private final Arena arena = Arena.ofShared();
    private final HostMemory.Part part;
    private final TcpLink link;
    private final long data;
    private int cid;
    private AdminRequest.Answer answer;

    Exchange(String name, Wire wire, LinkSettings settings, HostMemory memory) {
        this.name = name;
        socket = wire.socket;
        part = memory.take(TcpLink.bytes(SLOTS) + wire.bytes() + DATA_BYTES, name);
        data = part.offset() + TcpLink.bytes(SLOTS) + wire.bytes();
        link = new TcpLink(wire, settings, memory.view(arena), part.offset(), SLOTS);
        link.use(this);
    }

    AdminRequest.Answer execute(NvmCommand command, MemorySegment bytes, Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        int count = bytes == null ? 0 : (int) bytes.byteSize();
        if (count > DATA_BYTES) {
            throw new IllegalArgumentException(name + ": " + count + " bytes of data: at most " + DATA_BYTES);
        }
        boolean toController = FabricsCommand.isToController(command.opc, command.nsid);
        if (toController && count > 0) {
            MemorySegment.copy(bytes, 0, link.memory, data, count);
        }
        cid = cid + SLOTS & 0xFFFF;
        link.describe(SLOT, count == 0 ? 0 : data, count);
        encode(command, count);
        link.seal(SLOT, toController);
        link.stage(SLOT, cid);
        answer = null;
        await(command, deadline);
        if (!toController && count > 0) {
            MemorySegment.copy(link.memory, data, bytes, 0, count);
        }
        return answer;
    }

    private void encode(NvmCommand command, int count) {
        long entry = link.entry(SLOT);
        SubmissionEntry.encode(
                link.memory,
                entry,
                command.opc,
                SubmissionEntry.flags(SubmissionEntry.FUSE_NONE, SubmissionEntry.PSDT_SGL),
                cid,
                command.nsid,
                0,
                0,
                TcpPointers.transport(count),
                command.cdw10,
                command.cdw11,
                command.cdw12,
                command.cdw13,
                command.cdw14,
                command.cdw15);
    }

    private void await(NvmCommand command, long deadline) {
        try {
            while (answer == null) {
                if (!link.flush() || !link.receive(1)) {
                    throw failed(command, "the target has ended the connection");
                }
                link.endEarly();
                if (answer != null) {
                    break;
                }
                boolean ready = link.hasToSend()
                        ? socket.awaitWritable(deadline)
                        : link.hasReceived() || socket.awaitReadable(deadline);
                if (!ready) {
                    throw failed(command, "no answer in time");
                }
            }
        } catch (Violation violation) {
            link.terminate(violation);
            throw failed(command, "the target broke the protocol: " + violation.getMessage());
        } catch (TerminatedException terminated) {
            throw failed(command, terminated.getMessage());
        }
        if (link.isInside()) {
            throw failed(command, "the target sent more than the answer");
        }
    }

    private NvmeException failed(NvmCommand command, String why) {
        var what = command.opc == AdminOpcode.FABRICS
                ? FabricsCommand.name(FabricsCommand.type(command.nsid))
                : AdminOpcode.name(command.opc);
        return new NvmeException(NvmeException.Kind.RETRY, name + ", " + what, why);
    }

    @Override
    public void completed(int slot, int id, int status, long result) {
        answer = new AdminRequest.Answer(status, result);
    }

    @Override
    public void close() {
        MemoryView.close(arena, CLOSE_BOUND);
        part.close();
    }
}
