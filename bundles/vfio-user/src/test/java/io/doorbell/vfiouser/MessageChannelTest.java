package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE32;
import static io.doorbell.vfiouser.Wire.LE64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.doorbell.platform.EventFd;
import io.doorbell.platform.UnixSocket;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class MessageChannelTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final long LONG_NANOS = LONG.toNanos();

    private final List<AutoCloseable> opened = new ArrayList<>();
    private final List<UnixSocket> ends = UnixSocket.pair();

    @AfterEach
    void close() throws Exception {
        for (var one : opened) {
            one.close();
        }
        ends.forEach(UnixSocket::close);
    }

    /** Answers with a function, and remembers the end. */
    private static final class Answering implements MessageChannel.Handler {
        private final Function<Message, Reply> answer;
        private final CompletableFuture<String> end = new CompletableFuture<>();
        private int ends;

        Answering(Function<Message, Reply> answer) {
            this.answer = answer;
        }

        @Override
        public Reply handle(Message message) {
            return answer.apply(message);
        }

        @Override
        public void ended(String reason) {
            ends++;
            end.complete(reason);
        }

        String reason() throws Exception {
            return end.get(60, TimeUnit.SECONDS);
        }
    }

    private MessageChannel channel(int end, Answering handler) {
        var channel = MessageChannel.open("peer", ends.get(end), handler);
        opened.add(channel);
        return channel;
    }

    private static Answering echo() {
        return new Answering(message -> new Reply(message.payload()));
    }

    @Test
    void anAnswerFindsItsQuestion() {
        var client = channel(0, echo());
        channel(1, echo());

        try (var answer = client.request(Command.REGION_READ, number(17), LONG)) {
            assertThat(answer.command()).isEqualTo(Command.REGION_READ);
            assertThat(answer.payload().get(LE64, 0)).isEqualTo(17);
        }
    }

    @Test
    void manyThreadsAskAtOneTime() throws Exception {
        var client = channel(0, echo());
        channel(1, echo());
        var asked = new ArrayList<CompletableFuture<Long>>();

        for (long i = 0; i < 500; i++) {
            long question = i;
            var result = new CompletableFuture<Long>();
            Thread.ofVirtual().start(() -> {
                try (var answer = client.request(Command.REGION_READ, number(question), LONG)) {
                    result.complete(answer.payload().get(LE64, 0));
                } catch (RuntimeException failed) {
                    result.completeExceptionally(failed);
                }
            });
            asked.add(result);
        }

        for (int i = 0; i < asked.size(); i++) {
            assertThat(asked.get(i).get(60, TimeUnit.SECONDS)).isEqualTo(i);
        }
    }

    @Test
    void bothSidesMayAsk() {
        var one = channel(0, new Answering(message -> new Reply(number(1))));
        var other = channel(1, new Answering(message -> new Reply(number(2))));

        try (var fromOther = one.request(Command.REGION_READ, number(0), LONG);
                var fromOne = other.request(Command.DMA_READ, number(0), LONG)) {
            assertThat(fromOther.payload().get(LE64, 0)).isEqualTo(2);
            assertThat(fromOne.payload().get(LE64, 0)).isEqualTo(1);
        }
    }

    @Test
    void descriptorsGoAlongBothWaysAndThoseNotTakenAreClosed() throws Exception {
        try (var sign = EventFd.create()) {
            var client = channel(0, echo());
            channel(1, new Answering(message -> {
                assertThat(message.descriptorCount()).isEqualTo(2);
                try (var taken = EventFd.of(message.take(1))) {
                    taken.signal();
                }
                return new Reply(number(0), sign.fd());
            }));
            int open = openDescriptors();

            try (var answer = client.request(Command.DEVICE_SET_IRQS, number(0), LONG, sign.fd(), sign.fd())) {
                assertThat(answer.descriptorCount()).isEqualTo(1);
            }

            assertThat(sign.drain()).isEqualTo(1);
            awaitOpenDescriptors(open);
        }
    }

    @Test
    void aRefusalComesWithItsErrnoAndTheChannelGoesOn() {
        var client = channel(0, echo());
        var server = new Answering(message -> {
            if (message.command() == Command.DMA_MAP) {
                throw new ProtocolException(ProtocolException.EEXIST, "mapped already");
            }
            return Reply.EMPTY;
        });
        channel(1, server);

        assertThatThrownBy(() -> client.request(Command.DMA_MAP, number(0), LONG))
                .isInstanceOfSatisfying(
                        ProtocolException.class,
                        refused -> assertThat(refused.errno()).isEqualTo(17))
                .hasMessage("peer answers DMA_MAP with EEXIST: File exists");
        client.request(Command.DEVICE_RESET, number(0), LONG).close();
    }

    @Test
    void aDefectOfTheHandlerIsAnErrorForTheAsker() {
        var client = channel(0, echo());
        channel(1, new Answering(message -> {
            throw new IllegalStateException("a defect");
        }));

        assertThatThrownBy(() -> client.request(Command.DMA_MAP, number(0), LONG))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("EIO");
    }

    @Test
    void aCommandThatWantsNoAnswerGetsNone() throws Exception {
        var got = new CountDownLatch(1);
        var client = channel(0, echo());
        channel(1, new Answering(message -> {
            got.countDown();
            return Reply.EMPTY;
        }));

        client.post(Command.REGION_WRITE, number(0));

        assertThat(got.await(60, TimeUnit.SECONDS)).isTrue();
        // Were it answered, that answer would come first, and answer nothing: the end.
        client.request(Command.DEVICE_RESET, number(0), LONG).close();
        assertThat(client.endedFor()).isNull();
    }

    @Test
    void whoWaitsIsToldThatThePeerIsGone() throws Exception {
        var handler = echo();
        var client = channel(0, handler);
        var asked = CompletableFuture.supplyAsync(
                () -> catchThrowable(() -> client.request(Command.REGION_READ, number(0), LONG)));
        ends.get(1).receive(Wire.allocate(24), new ArrayList<>(), LONG_NANOS);

        ends.get(1).close();

        assertThat(asked.get(60, TimeUnit.SECONDS))
                .isInstanceOf(ChannelException.class)
                .hasMessage("peer: it closed the connection");
        assertThat(handler.reason()).isEqualTo("it closed the connection");
        assertThatThrownBy(() -> client.request(Command.REGION_READ, number(0), LONG))
                .isInstanceOf(ChannelException.class);
        assertThatThrownBy(() -> client.post(Command.REGION_WRITE, number(0))).isInstanceOf(ChannelException.class);
    }

    @Test
    void anAnswerThatDoesNotComeEndsTheChannel() throws Exception {
        var handler = echo();
        var client = channel(0, handler);

        assertThatThrownBy(() -> client.request(Command.REGION_READ, number(0), Duration.ofMillis(5)))
                .isInstanceOf(ChannelException.class)
                .hasMessageContaining("no answer to REGION_READ within");

        assertThat(handler.reason()).contains("no answer to REGION_READ");
    }

    @Test
    void interruptsDoNotTearAQuestionFromItsAnswer() throws Exception {
        var client = channel(0, echo());
        channel(1, echo());
        var asked = new CompletableFuture<Boolean>();

        Thread.ofPlatform().start(() -> {
            Thread.currentThread().interrupt();
            try (var answer = client.request(Command.REGION_READ, number(3), LONG)) {
                asked.complete(answer.payload().get(LE64, 0) == 3
                        && Thread.currentThread().isInterrupted());
            } catch (RuntimeException failed) {
                asked.completeExceptionally(failed);
            }
        });

        assertThat(asked.get(60, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void anAnswerToNothingEndsTheChannel() throws Exception {
        var handler = echo();
        channel(0, handler);

        raw(new Header(5, Command.REGION_READ, 16, Header.REPLY, 0));

        assertThat(handler.reason()).contains("an answer to message 5, which waits for none");
    }

    @Test
    void aHeaderThatIsNoneEndsTheChannel() throws Exception {
        var handler = echo();
        channel(0, handler);

        raw(new Header(0, Command.VERSION, 15, 0, 0));

        assertThat(handler.reason()).contains("a message of 15 bytes");
    }

    @Test
    void aMessageThatIsNotFinishedEndsTheChannelWithThePeer() throws Exception {
        var handler = echo();
        channel(0, handler);

        raw(new Header(0, Command.DMA_MAP, 48, 0, 0));
        ends.get(1).close();

        assertThat(handler.reason()).isEqualTo("it closed the connection within a message");
    }

    @Test
    void aMessageInPiecesIsOneMessage() {
        channel(0, echo());
        var whole = Wire.allocate(24);
        new Header(9, Command.DMA_MAP, 24, 0, 0).encode(whole);
        whole.set(LE64, 16, 77);

        for (int at = 0; at < 24; at++) {
            ends.get(1).send(whole.asSlice(at, 1), LONG_NANOS);
        }

        var answer = Wire.allocate(24);
        long got = 0;
        while (got < 24) {
            got += ends.get(1).receive(answer.asSlice(got), new ArrayList<>(), LONG_NANOS);
        }
        assertThat(answer.get(LE32, 8)).isEqualTo(Header.REPLY);
        assertThat(answer.get(LE64, 16)).isEqualTo(77);
    }

    @Test
    void closeEndsItOnceForEveryone() throws Exception {
        var handler = echo();
        var client = channel(0, handler);
        var asked = CompletableFuture.supplyAsync(
                () -> catchThrowable(() -> client.request(Command.REGION_READ, number(0), LONG)));
        ends.get(1).receive(Wire.allocate(24), new ArrayList<>(), LONG_NANOS);

        client.close();
        client.close();

        assertThat(asked.get(60, TimeUnit.SECONDS)).isInstanceOf(ChannelException.class);
        assertThat(handler.reason()).isEqualTo("closed");
        assertThat(handler.ends).isEqualTo(1);
        assertThat(client.endedFor()).isEqualTo("closed");
    }

    @Test
    void anAnswerToWhatCouldNotBeSentWholeIsPutAwayWithItsDescriptors() throws Exception {
        int before = openDescriptors();
        var pair = UnixSocket.pair();
        var client = MessageChannel.open("peer", pair.get(0), echo());
        var peer = pair.get(1);
        try (var sign = EventFd.create()) {
            // More than the socket holds: it stays in the middle of it.
            var asked = CompletableFuture.supplyAsync(() -> catchThrowable(
                    () -> client.request(Command.REGION_WRITE, Wire.allocate(Header.MAX_DATA_BYTES), LONG)));
            peer.receive(Wire.allocate(Header.SIZE_BYTES), new ArrayList<>(), LONG_NANOS);
            int open = openDescriptors();
            var answer = Wire.allocate(Header.SIZE_BYTES);
            new Header(0, Command.REGION_WRITE, Header.SIZE_BYTES, Header.REPLY, 0).encode(answer);

            peer.send(answer, LONG_NANOS, sign.fd());
            awaitOpenDescriptors(open + 1);
            peer.close();

            assertThat(asked.get(60, TimeUnit.SECONDS)).isInstanceOf(ChannelException.class);
        } finally {
            client.close();
        }
        awaitOpenDescriptors(before);
    }

    @Test
    @Timeout(300)
    void whateverComesItEndsOrAnswersAndLosesNoDescriptor() throws Exception {
        var random = Seed.random("whateverComesItEndsOrAnswersAndLosesNoDescriptor");
        int open = openDescriptors();
        try (var sign = EventFd.create()) {
            for (int i = 0; i < Seed.cases(2_000); i++) {
                var pair = UnixSocket.pair();
                var handler = echo();
                var channel = MessageChannel.open("peer", pair.get(0), handler);
                try (var peer = pair.get(1)) {
                    for (int messages = random.nextInt(4); messages >= 0 && channel.endedFor() == null; messages--) {
                        var bytes = new byte[16 + random.nextInt(64)];
                        random.nextBytes(bytes);
                        var message = MemorySegment.ofArray(bytes);
                        if (random.nextInt(4) > 0) {
                            message.set(LE32, 4, bytes.length);
                            message.set(LE32, 8, random.nextInt(0x40) & ~0xE);
                        }
                        int[] descriptors = random.ints(random.nextInt(3), 0, 1)
                                .map(ignored -> sign.fd())
                                .toArray();
                        send(peer, message, descriptors);
                    }
                }
                assertThat(handler.reason()).isNotEmpty();
                channel.close();
            }
        }
        awaitOpenDescriptors(open);
    }

    private static void send(UnixSocket peer, MemorySegment message, int[] descriptors) {
        try {
            peer.send(message, LONG_NANOS, descriptors);
        } catch (io.doorbell.platform.PlatformException gone) {
            // It has ended the connection already.
        }
    }

    private void raw(Header header) {
        var bytes = Wire.allocate(Header.SIZE_BYTES);
        header.encode(bytes);
        ends.get(1).send(bytes, LONG_NANOS);
    }

    private static MemorySegment number(long value) {
        var payload = Wire.allocate(8);
        payload.set(LE64, 0, value);
        return payload;
    }

    /** The other side closes what it was sent after it has answered. */
    private static void awaitOpenDescriptors(int expected) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (openDescriptors() != expected && System.nanoTime() - deadline < 0) {
            TimeUnit.MILLISECONDS.sleep(1);
        }
        assertThat(openDescriptors()).isEqualTo(expected);
    }

    private static int openDescriptors() throws IOException {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return (int) descriptors.count();
        }
    }
}
