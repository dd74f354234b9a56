package io.doorbell.vfiouser;

import io.doorbell.platform.Descriptor;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.Uninterrupted;
import io.doorbell.platform.UnixSocket;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection, both ways: sends commands and waits for the answers, answers the commands of the peer. Any thread asks; one thread of the
 * channel's own receives, and runs the {@link Handler}.
 *
 * <p>The channel ends once: when the peer closes or dies, sends what is no message, does not finish a message it began, or does not answer in time;
 * or by {@link #close}. The socket is closed then. Everyone who waits for an answer gets a {@link ChannelException} with the reason then, and so does everyone who asks later.
 */
public final class MessageChannel implements AutoCloseable {
    /** How long a peer may take to send the rest of a message, and to take one of ours. */
    private static final Duration MESSAGE_BOUND = Duration.ofSeconds(5);

    /** How long {@link #close} waits for a command that is being handled. */
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(15);

    /** The most commands that wait for an answer at one time; who comes next waits first. */
    private static final int MAX_PENDING = 32;

    private static final Logger LOG = LoggerFactory.getLogger(MessageChannel.class);

    /** The side that answers. All of it is called by the channel's own thread, one after the other. */
    public interface Handler {
        /**
         * Answers a command. Runs beside the thread that opened the channel: it may come before {@link MessageChannel#open} has returned.
         *
         * @param message closed after this returns, with the descriptors that were not taken out
         * @throws ProtocolException to answer with an error
         */
        Reply handle(Message message);

        /** The channel has ended; called exactly once, as the last thing. */
        void ended(String reason);
    }

    private final String name;
    private final UnixSocket socket;
    private final Handler handler;
    private final Thread receiver;
    private final ConcurrentHashMap<Integer, CompletableFuture<Message>> pending = new ConcurrentHashMap<>();
    private final Semaphore mayAsk = new Semaphore(MAX_PENDING, true);
    private final AtomicInteger nextMessageId = new AtomicInteger();
    private volatile String ended;

    private MessageChannel(String name, UnixSocket socket, Handler handler) {
        this.name = name;
        this.socket = socket;
        this.handler = handler;
        receiver = Thread.ofPlatform().name("vfio-user " + name).daemon().unstarted(this::receive);
    }

    /**
     * Begins to receive. The socket is the channel's from now on.
     *
     * @param name of the peer, for messages
     */
    public static MessageChannel open(String name, UnixSocket socket, Handler handler) {
        var channel = new MessageChannel(name, socket, handler);
        channel.receiver.start();
        return channel;
    }

    /**
     * Sends a command and waits for its answer. Not interruptible, because what the peer does cannot be taken back.
     *
     * @param timeout how long the answer may take; when it does not come, the channel ends
     * @param descriptors go along; they stay the caller's
     * @return the answer, which the caller closes
     * @throws ProtocolException if the peer answers with an error
     * @throws ChannelException if the channel has ended or ends meanwhile
     */
    public Message request(int command, MemorySegment payload, Duration timeout, int... descriptors) {
        if (Thread.currentThread() == receiver) {
            throw new IllegalStateException("who receives the answer cannot wait for it");
        }
        long deadlineNanos = System.nanoTime() + timeout.toNanos();
        awaitTurn(command, timeout, deadlineNanos);
        try {
            var answer = new CompletableFuture<Message>();
            int id = register(answer);
            Message returned = null;
            try {
                send(id, command, 0, 0, payload, descriptors);
                returned = await(answer, id, command, timeout, deadlineNanos);
                return returned;
            } finally {
                pending.remove(id, answer);
                if (returned == null) {
                    closeWhenItCame(answer);
                }
            }
        } finally {
            mayAsk.release();
        }
    }

    /** Nobody takes it: a peer answered what could not be sent whole. Its descriptors are ours to close. */
    private static void closeWhenItCame(CompletableFuture<Message> answer) {
        answer.whenComplete((came, failure) -> {
            if (came != null) {
                came.close();
            }
        });
    }

    /** Sends a command that needs no answer. Returns when it is in the socket. */
    public void post(int command, MemorySegment payload) {
        send(nextMessageId.getAndIncrement() & 0xFFFF, command, Header.NO_REPLY, 0, payload);
    }

    private void awaitTurn(int command, Duration timeout, long deadlineNanos) {
        if (!Uninterrupted.until(deadlineNanos, nanos -> mayAsk.tryAcquire(nanos, TimeUnit.NANOSECONDS))) {
            requireOpen();
            throw new ChannelException(name + ": " + Command.name(command) + " could not be sent for " + timeout);
        }
    }

    private int register(CompletableFuture<Message> answer) {
        int id;
        do {
            id = nextMessageId.getAndIncrement() & 0xFFFF;
        } while (pending.putIfAbsent(id, answer) != null);
        // After it is there: either we see the end, or the end sees it.
        if (ended != null) {
            pending.remove(id, answer);
            requireOpen();
        }
        return id;
    }

    private Message await(
            CompletableFuture<Message> answer, int id, int command, Duration timeout, long deadlineNanos) {
        return Uninterrupted.until(deadlineNanos, nanos -> {
            try {
                try {
                    return answer.get(nanos, TimeUnit.NANOSECONDS);
                } catch (TimeoutException late) {
                    if (pending.remove(id, answer)) {
                        end("no answer to " + Command.name(command) + " within " + timeout);
                        throw new ChannelException(name + ": " + ended);
                    }
                    return answer.get(); // It is just being handed over.
                }
            } catch (ExecutionException failed) {
                throw rethrown(failed.getCause(), command);
            }
        });
    }

    private RuntimeException rethrown(Throwable failure, int command) {
        // A new one, so that its trace is that of who asked.
        return switch (failure) {
            case ProtocolException refused ->
                new ProtocolException(
                        refused.errno(),
                        name + " answers " + Command.name(command) + " with "
                                + PlatformException.describe(refused.errno()));
            default -> new ChannelException(failure.getMessage());
        };
    }

    private void send(int id, int command, int flags, int errno, MemorySegment payload, int... descriptors) {
        requireOpen();
        long bytes = Header.SIZE_BYTES + payload.byteSize();
        if (bytes > Header.MAX_MESSAGE_BYTES) {
            throw new IllegalArgumentException("a message of " + bytes + " bytes");
        }
        var message = Wire.allocate(bytes);
        new Header(id, command, (int) bytes, flags, errno).encode(message);
        MemorySegment.copy(payload, 0, message, Header.SIZE_BYTES, payload.byteSize());
        try {
            socket.send(message, MESSAGE_BOUND.toNanos(), descriptors);
        } catch (PlatformException | IllegalStateException broken) {
            // A part of it may be in the socket, so nothing can follow.
            end(broken.getMessage());
            requireOpen();
        }
    }

    private void requireOpen() {
        if (ended != null) {
            throw new ChannelException(name + ": " + ended);
        }
    }

    // The receiver.

    private void receive() {
        var header = Wire.allocate(Header.SIZE_BYTES);
        var descriptors = new ArrayList<Descriptor>();
        String reason;
        try {
            while (receive(header, descriptors)) {
                descriptors.clear();
            }
            reason = "it closed the connection";
        } catch (ProtocolException | PlatformException | ChannelException broken) {
            reason = broken.getMessage();
        } catch (IllegalStateException closed) {
            reason = "closed";
        } catch (RuntimeException defect) {
            LOG.error("{}: the channel ends by a defect", name, defect);
            reason = "a defect of ours: " + defect;
        } finally {
            Descriptor.closeAll(descriptors);
        }
        end(reason);
        closeSocket();
        handler.ended(ended);
    }

    /** Of no use to anybody any more. */
    private void closeSocket() {
        try {
            socket.close();
        } catch (IllegalStateException held) {
            LOG.warn("{}: {}", name, held.getMessage());
        }
    }

    /** One message. Returns whether there was one. */
    private boolean receive(MemorySegment bytes, List<Descriptor> descriptors) {
        int first = socket.receive(bytes, descriptors, Long.MAX_VALUE);
        if (first == UnixSocket.END) {
            return false;
        }
        // From its first byte on: whoever begins a message has to finish it.
        long deadlineNanos = System.nanoTime() + MESSAGE_BOUND.toNanos();
        receiveRest(bytes, first, descriptors, deadlineNanos);
        var header = Header.decode(bytes);
        var payload = Wire.allocate(header.messageBytes() - Header.SIZE_BYTES);
        receiveRest(payload, 0, descriptors, deadlineNanos);
        if (header.isReply()) {
            answered(header, new Message(header.command(), payload, descriptors));
        } else {
            answer(header, new Message(header.command(), payload, descriptors));
        }
        return true;
    }

    private void receiveRest(MemorySegment bytes, long from, List<Descriptor> descriptors, long deadlineNanos) {
        long at = from;
        while (at < bytes.byteSize()) {
            int count = socket.receive(bytes.asSlice(at), descriptors, Math.max(0, deadlineNanos - System.nanoTime()));
            if (count == UnixSocket.END) {
                throw new ProtocolException("it closed the connection within a message");
            }
            if (count == 0) {
                throw new ProtocolException("it did not finish a message within " + MESSAGE_BOUND);
            }
            at += count;
        }
    }

    private void answered(Header header, Message answer) {
        var waiting = pending.remove(header.messageId());
        if (waiting == null) {
            answer.close();
            throw new ProtocolException("an answer to message " + header.messageId() + ", which waits for none");
        }
        if (header.isError()) {
            answer.close();
            waiting.completeExceptionally(new ProtocolException(header.errno(), "refused"));
        } else {
            waiting.complete(answer);
        }
    }

    private void answer(Header header, Message command) {
        try (command) {
            int id = header.messageId();
            Reply reply;
            try {
                reply = handler.handle(command);
            } catch (ProtocolException refused) {
                LOG.debug("{}: {} is refused: {}", name, Command.name(header.command()), refused.getMessage());
                refuse(header, refused.errno());
                return;
            } catch (RuntimeException | InternalError defect) {
                LOG.warn("{}: {} failed", name, Command.name(header.command()), defect);
                refuse(header, ProtocolException.EIO);
                return;
            }
            if (!header.wantsNoReply()) {
                send(id, header.command(), Header.REPLY, 0, reply.payload(), reply.descriptors());
            }
        }
    }

    private void refuse(Header header, int errno) {
        if (!header.wantsNoReply()) {
            send(header.messageId(), header.command(), Header.REPLY | Header.ERROR, errno, Reply.EMPTY.payload());
        }
    }

    private void end(String reason) {
        synchronized (pending) {
            if (ended != null) {
                return;
            }
            ended = reason;
        }
        try {
            socket.shutdown();
        } catch (IllegalStateException closed) {
            // Who receives has seen that already.
        }
        for (var waiting : pending.values()) {
            waiting.completeExceptionally(new ChannelException(name + ": " + reason));
        }
    }

    /** Why it ended, or null while it has not. */
    public String endedFor() {
        return ended;
    }

    /** Whether it has ended, or is about to when the last messages of a peer have been received that has left. */
    public boolean isEnding() {
        try {
            return ended != null || socket.peerHasLeft();
        } catch (IllegalStateException closed) {
            return true;
        }
    }

    /** Ends the channel. Returns when the handler has been told. Does nothing the second time. */
    @Override
    public void close() {
        end("closed");
        closeSocket();
        if (Thread.currentThread() == receiver) {
            return;
        }
        long deadlineNanos = System.nanoTime() + CLOSE_BOUND.toNanos();
        if (!Uninterrupted.until(deadlineNanos, nanos -> receiver.join(Duration.ofNanos(nanos)))) {
            LOG.warn("{}: a command of the peer is still being handled {} after the end", name, CLOSE_BOUND);
        }
    }
}
