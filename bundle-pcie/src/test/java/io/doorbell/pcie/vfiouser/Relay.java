package io.doorbell.pcie.vfiouser;

import io.doorbell.platform.Descriptor;
import io.doorbell.platform.UnixListener;
import io.doorbell.platform.UnixSocket;
import io.doorbell.vfiouser.ChannelException;
import io.doorbell.vfiouser.DeviceDirectory;
import io.doorbell.vfiouser.Message;
import io.doorbell.vfiouser.MessageChannel;
import io.doorbell.vfiouser.ProtocolException;
import io.doorbell.vfiouser.Reply;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Between a client and a device: passes everything on, but for what a test changes. One client after the other. */
final class Relay implements AutoCloseable {
    private static final Duration BOUND = Duration.ofSeconds(60);

    /** What becomes of an answer of the device. */
    interface Change {
        /** @param descriptors that come along; may be changed, what is taken out is closed */
        MemorySegment answer(int command, MemorySegment payload, List<Descriptor> descriptors);
    }

    private final Path device;
    private final Change change;
    private final UnixListener listener;
    private final Thread acceptor;
    private volatile Connection connection;

    /** @param directory where it listens, which is made */
    Relay(Path directory, Path device, Change change) throws IOException {
        this.device = device;
        this.change = change;
        Files.createDirectories(directory);
        listener = UnixListener.listen(directory.resolve(DeviceDirectory.SOCKET), 8);
        acceptor = Thread.ofPlatform().daemon().start(this::run);
    }

    private void run() {
        try {
            while (true) {
                var client = listener.accept(Long.MAX_VALUE);
                if (connection != null) {
                    connection.close();
                }
                connection = new Connection(client);
            }
        } catch (IllegalStateException closed) {
            // The end.
        }
    }

    /** Cuts the connection, as if the device had died. */
    void cut() {
        connection.close();
    }

    @Override
    public void close() {
        listener.close();
        try {
            acceptor.join(BOUND);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        if (connection != null) {
            connection.close();
        }
    }

    private final class Connection implements MessageChannel.Handler {
        private final MessageChannel upstream;
        private final MessageChannel downstream;
        private final List<Descriptor> sent = new ArrayList<>();

        Connection(UnixSocket client) {
            upstream = MessageChannel.open("device", connected(), new Back());
            downstream = MessageChannel.open("client", client, this);
        }

        /** A device that is just putting its last client away turns the next one out, or lets it wait. */
        private UnixSocket connected() {
            return UnixSocket.connect(device.resolve(DeviceDirectory.SOCKET), BOUND);
        }

        @Override
        public Reply handle(Message message) {
            Descriptor.closeAll(sent);
            sent.clear();
            var taken = new ArrayList<Descriptor>();
            try {
                for (int i = 0; i < message.descriptorCount(); i++) {
                    taken.add(message.take(i));
                }
                int[] numbers = taken.stream().mapToInt(Descriptor::fd).toArray();
                try (var answer = upstream.request(message.command(), message.payload(), BOUND, numbers)) {
                    for (int i = 0; i < answer.descriptorCount(); i++) {
                        sent.add(answer.take(i));
                    }
                    var payload = change.answer(message.command(), answer.payload(), sent);
                    return new Reply(
                            payload, sent.stream().mapToInt(Descriptor::fd).toArray());
                }
            } catch (ChannelException gone) {
                throw new ProtocolException(ProtocolException.EIO, "the device is gone");
            } finally {
                Descriptor.closeAll(taken);
            }
        }

        @Override
        public void ended(String reason) {
            upstream.close();
            Descriptor.closeAll(sent);
        }

        void close() {
            downstream.close();
            upstream.close();
        }

        /** From the device: it asks nothing, and may end. */
        private final class Back implements MessageChannel.Handler {
            @Override
            public Reply handle(Message message) {
                throw new ProtocolException("nothing goes this way");
            }

            @Override
            public void ended(String reason) {
                Thread.startVirtualThread(() -> {
                    if (downstream != null) {
                        downstream.close();
                    }
                });
            }
        }
    }
}
