package io.doorbell.tcp.host;

import io.doorbell.fabrics.host.HostExchange;
import io.doorbell.host.NvmCommand;
import io.doorbell.platform.TcpSocket;
import io.doorbell.tcp.Violation;
import java.lang.foreign.Arena;

/** Commands one at a time, over TCP. */
final class TcpExchange extends HostExchange<TcpLink> {
    private static final int SLOTS = 2;

    private final TcpSocket socket;

    private TcpExchange(String name, TcpSocket socket, TcpLink link, Arena arena, HostMemory.Part part, long data) {
        super(name, link, arena, link.memory.asSlice(data, DATA_BYTES), data, part::close);
        this.socket = socket;
        link.use(this);
    }

    static TcpExchange over(Wire wire, String name, LinkSettings settings, HostMemory memory) {
        long linkBytes = TcpLink.bytes(SLOTS) + wire.bytes();
        var part = memory.take(linkBytes + DATA_BYTES, name);
        var arena = Arena.ofShared();
        var link = new TcpLink(wire, settings, memory.view(arena), part.offset(), SLOTS);
        return new TcpExchange(name, wire.socket, link, arena, part, part.offset() + linkBytes);
    }

    @Override
    protected void await(NvmCommand command, long deadline) {
        try {
            while (!isAnswered()) {
                if (!link.flush() || !link.receive(1)) {
                    throw failed(command, "the target has ended the connection");
                }
                link.endEarly();
                if (isAnswered()) {
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
}
