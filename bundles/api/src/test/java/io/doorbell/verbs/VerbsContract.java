package io.doorbell.verbs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What every provider of {@link VerbsDevice} does. A provider's test extends it. */
public abstract class VerbsContract extends TwoPeers {
    private static final int HALF = MEMORY_BYTES / 2;

    private static byte[] random(int bytes, long seed) {
        var content = new byte[bytes];
        new Random(seed).nextBytes(content);
        return content;
    }

    // Messages.

    @Test
    void messagesOfAllLengthsArriveWhole() {
        connect();
        int[] lengths = {0, 1, 3, 4, 64, 255, 1023, 1024, 1025, 4095, 4096, 4097, 8192, 100_001};
        for (int i = 0; i < lengths.length; i++) {
            var content = random(lengths[i], i);
            left.bytes(0, content);
            right.receive(rightPair, 100 + i, HALF, 200_000);
            left.sends.send(i, SendRequests.SIGNALED);
            if (lengths[i] > 0) {
                left.piece(0, lengths[i]);
            }
            left.post(leftPair);

            var received = expect(right, 100 + i);
            assertThat(received.bytes()).isEqualTo(lengths[i]);
            assertThat(received.opcode()).isEqualTo(Completions.RECEIVE);
            assertThat(received.pair()).isEqualTo(rightPair.number());
            assertThat(right.bytes(HALF, lengths[i])).isEqualTo(content);
            assertThat(expect(left, i).opcode()).isEqualTo(Completions.SEND);
        }
    }

    @Test
    void messagesGoBothWaysInOrderFromAndIntoSeveralPieces() {
        connect();
        var content = random(10_000, 1);
        for (var from : new VerbsPeer[] {left, right}) {
            var to = from == left ? right : left;
            var toPair = from == left ? rightPair : leftPair;
            from.bytes(0, content);
            for (int i = 0; i < 8; i++) {
                to.receives.clear();
                to.receives.receive(i);
                to.receives.segment(to.at(HALF + i * 20_000), 1, to.region.localKey());
                to.receives.segment(to.at(HALF + i * 20_000 + 1), 4999, to.region.localKey());
                to.receives.segment(to.at(HALF + i * 20_000 + 5000), 9000, to.region.localKey());
                assertThat(toPair.postReceive(to.receives)).isEqualTo(1);
                from.sends.send(i, SendRequests.SIGNALED);
                from.piece(0, 3);
                from.piece(3, 7000);
                from.piece(7003, 2000 + i);
            }
            from.post(from == left ? leftPair : rightPair);
            for (int i = 0; i < 8; i++) {
                assertThat(expect(to, i).bytes()).isEqualTo(9003 + i);
                assertThat(to.bytes(HALF + i * 20_000L, 9003 + i)).isEqualTo(Arrays.copyOf(content, 9003 + i));
                expect(from, i);
            }
        }
    }

    @Test
    void onlyWhatIsSignaledCompletesWhenItSucceeds() {
        connect();
        for (int i = 0; i < 4; i++) {
            right.receive(rightPair, i, 0, 64);
            left.sends.send(i, i == 3 ? SendRequests.SIGNALED : 0);
            left.piece(0, 8);
        }
        left.post(leftPair);

        expect(left, 3);
        for (int i = 0; i < 4; i++) {
            expect(right, i);
        }
        assertThat(left.pending()).isZero();
    }

    @Test
    void numbersComeAlongWithMessagesAndWrites() {
        connect();
        right.receive(rightPair, 1, 0, 64);
        right.receive(rightPair, 2, 0, 0);
        left.sends.sendImmediate(1, SendRequests.SIGNALED, 0xCAFE_0001);
        left.piece(0, 8);
        left.sends.writeImmediate(2, SendRequests.SIGNALED, right.at(HALF), right.region.remoteKey(), 0x0102_0304);
        left.piece(0, 5000);
        left.post(leftPair);

        var message = expect(right, 1);
        assertThat(message.flags() & Completions.WITH_IMMEDIATE).isNotZero();
        assertThat(message.value()).isEqualTo(0xCAFE_0001);
        var write = expect(right, 2);
        assertThat(write.opcode()).isEqualTo(Completions.RECEIVE_RDMA_IMMEDIATE);
        assertThat(write.value()).isEqualTo(0x0102_0304);
        assertThat(write.bytes()).isEqualTo(5000);
    }

    @Test
    void aSendWaitsForItsReceive() {
        connect();
        left.bytes(0, random(3000, 9));
        left.sends.send(1, SendRequests.SIGNALED);
        left.piece(0, 3000);
        left.post(leftPair);
        for (int i = 0; i < 50; i++) {
            left.cycle();
            right.cycle();
        }
        assertThat(left.pending()).isZero();

        right.receive(rightPair, 2, HALF, 4096);

        expect(right, 2);
        expect(left, 1);
        assertThat(right.bytes(HALF, 3000)).isEqualTo(left.bytes(0, 3000));
    }

    @Test
    void aSendThatMayNotWaitFailsWithoutAReceive() {
        var impatient = new ConnectParameters(4, 4, 7, 0);
        connect(impatient, impatient);
        left.sends.send(1, 0);
        left.piece(0, 8);
        left.post(leftPair);

        expectRefusal(left, 1, Completions.RNR_RETRIES_EXCEEDED);
    }

    @Test
    void aMessageThatIsTooLongFailsAtBothEnds() {
        connect();
        right.bytes(HALF, new byte[8192]);
        right.receive(rightPair, 5, HALF, 100);
        right.receive(rightPair, 6, HALF, 100);
        left.bytes(0, random(101, 3));
        left.sends.send(1, SendRequests.SIGNALED);
        left.piece(0, 101);
        left.sends.send(2, 0);
        left.piece(0, 1);
        left.post(leftPair);

        expectFailure(right, 5, receiveFailure(Completions.LOCAL_LENGTH));
        expectFailure(right, 6, Completions.FLUSHED);
        int told = unless(
                Deviation.RECEIVE_ERRORS_ARE_OPERATION_ERRORS,
                Completions.REMOTE_INVALID,
                Completions.REMOTE_OPERATION);
        expectRefusal(left, 1, told);
        expectFailure(left, 2, Completions.FLUSHED);
        assertThat(right.bytes(HALF + 100, 64)).containsOnly(0);
        pump("the news", () -> left.ends.size() == 1 && right.ends.size() == 1);
    }

    @Test
    void aFullQueueTakesAsManyAsItHasRoomFor() {
        connect();
        for (int i = 0; i < 64; i++) {
            left.sends.send(i, SendRequests.SIGNALED);
        }
        assertThat(leftPair.post(left.sends)).isEqualTo(64);
        assertThat(leftPair.post(left.sends)).isZero();
        for (int i = 0; i < 64; i++) {
            right.receive(rightPair, i, 0, 0);
        }
        right.receives.clear();
        right.receives.receive(64);
        assertThat(rightPair.postReceive(right.receives)).isZero();
        for (int i = 0; i < 64; i++) {
            expect(right, i);
            expect(left, i);
        }
        assertThat(leftPair.post(left.sends)).isEqualTo(64);
    }

    // Memory of the peer.

    @Test
    void writesAndReadsOfAllLengthsMoveWhatTheyShouldAndNothingElse() {
        connect();
        int[] lengths = {0, 1, 2, 63, 1024, 4096, 4097, 65_536, 300_003};
        for (int i = 0; i < lengths.length; i++) {
            int length = lengths[i];
            var content = random(length, i);
            right.memory.segment().fill((byte) 0x55);
            left.bytes(0, content);
            left.sends.write(1, SendRequests.SIGNALED, right.at(HALF), right.region.remoteKey());
            left.piece(0, length / 2);
            left.piece(length / 2, length - length / 2);
            left.sends.read(2, SendRequests.SIGNALED, right.at(HALF), right.region.remoteKey());
            left.piece(HALF, length / 3);
            left.piece(HALF + length / 3, length - length / 3);
            left.post(leftPair);

            assertThat(expect(left, 1).opcode()).isEqualTo(Completions.RDMA_WRITE);
            var read = expect(left, 2);
            assertThat(read.opcode()).isEqualTo(Completions.RDMA_READ);
            assertThat(read.bytes()).isEqualTo(length);
            assertThat(right.bytes(HALF, length)).isEqualTo(content);
            assertThat(left.bytes(HALF, length)).isEqualTo(content);
            assertThat(right.bytes(HALF - 64, 64)).containsOnly(0x55);
            assertThat(right.bytes(HALF + length, 64)).containsOnly(0x55);
        }
    }

    @Test
    void whatWasWrittenIsThereBeforeTheMessageBehindIt() {
        connect();
        for (int i = 0; i < 30; i++) {
            right.bytes(HALF, new byte[20_000]);
            var content = random(20_000, i);
            left.bytes(0, content);
            right.receive(rightPair, i, 0, 16);
            left.sends.write(1, 0, right.at(HALF), right.region.remoteKey());
            left.piece(0, content.length);
            left.sends.send(2, SendRequests.SIGNALED);
            left.piece(0, 16);
            left.post(leftPair);

            expect(right, i);
            assertThat(right.bytes(HALF, content.length)).isEqualTo(content);
            expect(left, 2);
        }
    }

    @Test
    void aFenceWaitsForTheReadsBeforeIt() {
        connect();
        var content = random(50_000, 8);
        right.bytes(HALF, content);
        left.sends.read(1, 0, right.at(HALF), right.region.remoteKey());
        left.piece(0, content.length);
        left.sends.write(2, SendRequests.FENCE | SendRequests.SIGNALED, right.at(0), right.region.remoteKey());
        left.piece(0, content.length);
        left.post(leftPair);

        expect(left, 2);
        assertThat(right.bytes(0, content.length)).isEqualTo(content);
    }

    @Test
    void bothSidesReadAndWriteAtOnce() {
        connect();
        // Both before either posts: a NIC reads at once.
        left.bytes(0, random(200_000, 1));
        right.bytes(0, random(200_000, 2));
        for (var peer : new VerbsPeer[] {left, right}) {
            var other = peer == left ? right : left;
            for (int i = 0; i < 6; i++) {
                peer.sends.read(i, SendRequests.SIGNALED, other.at(i * 30_000), other.region.remoteKey());
                peer.piece(HALF + i * 30_000, 30_000);
                peer.sends.write(10 + i, SendRequests.SIGNALED, other.at(HALF + 400_000), other.region.remoteKey());
                peer.piece(0, 10_000);
            }
            peer.post(peer == left ? leftPair : rightPair);
        }
        pump("all of it", () -> left.pending() == 12 && right.pending() == 12);

        for (var peer : new VerbsPeer[] {left, right}) {
            for (int i = 0; i < 12; i++) {
                expect(peer, i % 2 == 0 ? i / 2 : 10 + i / 2);
            }
        }
        assertThat(left.bytes(HALF, 180_000)).isEqualTo(right.bytes(0, 180_000));
        assertThat(right.bytes(HALF, 180_000)).isEqualTo(left.bytes(0, 180_000));
        assertThat(left.bytes(HALF + 400_000, 10_000)).isEqualTo(right.bytes(0, 10_000));
        assertThat(right.bytes(HALF + 400_000, 10_000)).isEqualTo(left.bytes(0, 10_000));
    }

    private void requireRefused(boolean write, long address, int key, int bytes) {
        connect();
        var before = right.bytes(0, MEMORY_BYTES);
        if (write) {
            left.sends.write(1, 0, address, key);
        } else {
            left.sends.read(1, 0, address, key);
        }
        left.piece(0, bytes);
        left.sends.send(2, 0);
        left.post(leftPair);

        expectRefusal(left, 1, Completions.REMOTE_ACCESS);
        expectFailure(left, 2, Completions.FLUSHED);
        assertThat(right.bytes(0, MEMORY_BYTES)).isEqualTo(before);
        pump("the news", () -> left.ends.size() == 1 && right.ends.size() == 1);
        left.ends.clear();
        right.ends.clear();
        left.forget();
        right.forget();
    }

    @Test
    void noKeyAndNoRangeOpensMoreThanItShould() {
        int key = right.region.remoteKey();
        left.bytes(0, random(20_000, 4));
        for (boolean write : new boolean[] {true, false}) {
            requireRefused(write, right.at(0), key ^ 1, 100);
            requireRefused(write, right.at(0), 0, 100);
            requireRefused(write, right.at(0) - 1, key, 100);
            requireRefused(write, right.at(MEMORY_BYTES) - 99, key, 100);
            requireRefused(write, right.at(MEMORY_BYTES) - 9999, key, 10_000);
            requireRefused(write, -50, key, 100);
            requireRefused(write, Long.MAX_VALUE - 10, key, 100);
        }
    }

    @Test
    void aRegionOpensOnlyWhatItsRightsSay() throws Exception {
        try (var silent = right.domain.register(right.memory.segment(), Access.LOCAL_WRITE);
                var readable = right.domain.register(right.memory.segment(), Access.REMOTE_READ);
                var writable = right.domain.register(right.memory.segment(), Access.LOCAL_WRITE | Access.REMOTE_WRITE);
                var elsewhere = right.device.allocateProtectionDomain()) {
            requireRefused(true, right.at(0), silent.remoteKey(), 10);
            requireRefused(false, right.at(0), silent.remoteKey(), 10);
            requireRefused(true, right.at(0), readable.remoteKey(), 10);
            requireRefused(false, right.at(0), writable.remoteKey(), 10);
            try (var foreign = elsewhere.register(
                    right.memory.segment(), Access.LOCAL_WRITE | Access.REMOTE_WRITE | Access.REMOTE_READ)) {
                requireRefused(true, right.at(0), foreign.remoteKey(), 10);
                requireRefused(false, right.at(0), foreign.remoteKey(), 10);
            }
        }
    }

    @Test
    void aClosedRegionOpensNothing() {
        var region = right.domain.register(
                right.memory.segment(), Access.LOCAL_WRITE | Access.REMOTE_WRITE | Access.REMOTE_READ);
        int key = region.remoteKey();
        connect();
        left.sends.write(1, SendRequests.SIGNALED, right.at(0), key);
        left.piece(0, 10);
        left.post(leftPair);
        expect(left, 1);

        region.close();
        region.close();

        requireRefused(true, right.at(0), key, 10);
        requireRefused(false, right.at(0), key, 10);
    }

    @Test
    void memoryThatIsNotRegisteredIsNeitherSentNorReceivedInto() {
        connect();
        left.sends.send(1, 0);
        left.sends.segment(left.at(0), 10, left.region.localKey() ^ 1);
        left.post(leftPair);
        expectFailure(
                left,
                1,
                unless(
                        Deviation.UNKNOWN_KEYS_ARE_OPERATION_ERRORS,
                        Completions.LOCAL_PROTECTION,
                        Completions.LOCAL_OPERATION));

        connect();
        left.sends.send(2, 0);
        left.sends.segment(left.at(MEMORY_BYTES - 5), 10, left.region.localKey());
        left.post(leftPair);
        expectFailure(left, 2, Completions.LOCAL_PROTECTION);

        connect();
        right.receives.clear();
        right.receives.receive(3);
        right.receives.segment(right.at(0) - 1, 10, right.region.localKey());
        rightPair.postReceive(right.receives);
        left.sends.send(4, 0);
        left.piece(0, 4);
        left.post(leftPair);
        pump("a failure", () -> right.pending() > 0);
        VerbsPeer.Done failed;
        do {
            failed = next(right);
        } while (failed.id() != 3);
        assertThat(failed.status()).isEqualTo(receiveFailure(Completions.LOCAL_PROTECTION));
    }

    // Windows.

    private int bind(VerbsPeer peer, VerbsQueuePair pair, MemoryWindow window, long offset, int bytes, int access) {
        int key = window.remoteKey() & ~0xFF | window.remoteKey() + 1 & 0xFF;
        peer.sends.bind(77, SendRequests.SIGNALED, window, key, peer.region, peer.at(offset), bytes, access);
        peer.post(pair);
        assertThat(expect(peer, 77).opcode()).isEqualTo(Completions.BIND_WINDOW);
        assertThat(window.remoteKey()).isEqualTo(key);
        return key;
    }

    @Test
    void aWindowOpensAPartUntilThePeerInvalidatesIt() {
        var window = right.domain.allocateWindow();
        right.closing(window::close);
        connect();
        int key = bind(right, rightPair, window, 4096, 4096, Access.REMOTE_WRITE);
        left.bytes(0, random(4096, 6));
        right.receive(rightPair, 5, 0, 16);
        left.sends.write(1, 0, right.at(4096), key);
        left.piece(0, 4096);
        left.sends.sendInvalidate(2, SendRequests.SIGNALED, key);
        left.piece(0, 16);
        left.post(leftPair);

        var received = expect(right, 5);
        assertThat(received.flags() & Completions.WITH_INVALIDATE).isNotZero();
        assertThat(received.value()).isEqualTo(key);
        assertThat(right.bytes(4096, 4096)).isEqualTo(left.bytes(0, 4096));
        expect(left, 2);

        int again = bind(right, rightPair, window, 0, 4096, Access.REMOTE_WRITE);
        left.sends.write(3, SendRequests.SIGNALED, right.at(100), again);
        left.piece(0, 4);
        left.post(leftPair);
        expect(left, 3);
        left.sends.write(4, 0, right.at(100), key);
        left.piece(0, 4);
        left.post(leftPair);
        expectRefusal(left, 4, Completions.REMOTE_ACCESS);
    }

    @Test
    void aWindowOpensNothingBesideItsPartAndNothingWhenItIsUnbound() {
        for (int round = 0; round < 4; round++) {
            try (var window = right.domain.allocateWindow()) {
                connect();
                int key = bind(right, rightPair, window, 4096, 4096, Access.REMOTE_READ);
                if (round == 3) {
                    right.sends.invalidate(78, SendRequests.SIGNALED, key);
                    right.post(rightPair);
                    expect(right, 78);
                }
                int flags = SendRequests.SIGNALED;
                switch (round) {
                    case 0 -> left.sends.read(1, flags, right.at(4095), key);
                    case 1 -> left.sends.read(1, flags, right.at(8192 - 15), key);
                    case 2 -> left.sends.write(1, flags, right.at(4096), key);
                    default -> left.sends.read(1, flags, right.at(4096), key);
                }
                left.piece(0, 16);
                left.post(leftPair);
                if (round < 2 && deviations().contains(Deviation.WINDOWS_HAVE_NO_BOUNDS)) {
                    expect(left, 1);
                } else {
                    expectRefusal(left, 1, Completions.REMOTE_ACCESS);
                }
                left.forget();
                right.forget();
            }
        }
    }

    // Connections.

    @Test
    void aConnectionBringsPrivateDataAndAgreesOnReads() {
        leftPair = left.pair();
        rightPair = right.pair();
        var seen = new CompletableFuture<ConnectRequest>();
        var asked = new byte[Connection.MAX_CONNECT_BYTES];
        asked[0] = 1;
        asked[55] = 2;
        var answered = new byte[Connection.MAX_ACCEPT_BYTES];
        answered[195] = 3;
        try (var listening = right.device.listen(0, request -> {
            seen.complete(request);
            rightConnection =
                    request.accept(rightPair, ConnectParameters.DEFAULT.withReads(2, 9), answered, right.listener);
        })) {
            assertThat(listening.address().getAddress())
                    .isEqualTo(right.device.addresses().getFirst());
            leftConnection = meanwhile(() -> left.device.connect(
                    leftPair, listening.address(), new ConnectParameters(3, 4, 5, 6), asked, left.listener, BOUND));

            pump("the end of accept", () -> rightConnection != null);
            var request = seen.join();
            assertThat(request.privateData()).isEqualTo(asked);
            assertThat(request.offered()).isEqualTo(new ConnectParameters(4, 3, 5, 6));
            assertThat(request.local()).isEqualTo(listening.address());
            assertThat(request.peer().getAddress())
                    .isEqualTo(left.device.addresses().getFirst());
            assertThat(leftConnection.privateData()).isEqualTo(answered);
            assertThat(leftConnection.peer()).isEqualTo(listening.address());
            assertThat(leftConnection.agreed().initiatorDepth()).isEqualTo(2);
            assertThat(rightConnection.agreed().initiatorDepth()).isEqualTo(3);
            assertThat(leftConnection.queuePair()).isSameAs(leftPair);
        }
    }

    private ConnectException failToConnect(InetSocketAddress address, Duration bound) {
        var pair = left.pair();
        var thrown = catchThrowable(() -> meanwhile(() ->
                left.device.connect(pair, address, ConnectParameters.DEFAULT, new byte[0], left.listener, bound)));
        assertThat(thrown).isInstanceOf(ConnectException.class);
        assertThat(pair.isConnected()).isFalse();
        return (ConnectException) thrown;
    }

    @Test
    void aRejectionSaysWhy() {
        try (var listening = right.device.listen(0, request -> request.reject(new byte[] {9, 8}))) {
            var rejected = failToConnect(listening.address(), BOUND);

            assertThat(rejected.reason()).isEqualTo(ConnectException.REJECTED);
            assertThat(rejected.privateData()).startsWith(9, 8, 0);
        }
    }

    @Test
    void whoeverIsNotThereOrDoesNotDecideIsNotConnectedTo() {
        var gone = right.device.listen(0, request -> {});
        assertThat(failToConnect(gone.address(), BOUND).reason()).isEqualTo(ConnectException.REJECTED);
        gone.close();
        gone.close();
        assertThat(failToConnect(gone.address(), BOUND).reason()).isNotZero();

        try (var broken = right.device.listen(0, request -> {
            throw new IllegalStateException("a handler that throws");
        })) {
            assertThat(failToConnect(broken.address(), BOUND).reason()).isEqualTo(ConnectException.REJECTED);
        }
    }

    @Test
    void onlyOneListensAtAPort() {
        try (var listening = right.device.listen(0, request -> {})) {
            int port = listening.address().getPort();

            assertThatThrownBy(() -> right.device.listen(port, request -> {}))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> right.device.listen(1 << 16, request -> {}))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aDisconnectEndsEverythingInFlightAtBothEndsOnce() {
        connect();
        for (int i = 0; i < 3; i++) {
            right.receive(rightPair, 10 + i, 0, 64);
            left.receive(leftPair, 20 + i, 0, 64);
        }

        leftConnection.disconnect();
        leftConnection.close();

        pump("the end", () -> left.pending() == 3 && right.pending() == 3);
        for (int i = 0; i < 3; i++) {
            expectFailure(right, 10 + i, Completions.FLUSHED);
            expectFailure(left, 20 + i, Completions.FLUSHED);
        }
        pump("the news", () -> left.ends.size() == 1 && right.ends.size() == 1);
        assertThat(leftPair.isConnected()).isFalse();
        left.sends.send(1, 0);
        assertThat(leftPair.post(left.sends)).isEqualTo(VerbsQueuePair.NOT_CONNECTED);
        right.receives.clear();
        right.receives.receive(1);
        assertThat(rightPair.postReceive(right.receives)).isEqualTo(VerbsQueuePair.NOT_CONNECTED);
        rightConnection.disconnect();
        assertThat(right.ends).hasSize(1);
    }

    @Test
    void aQueuePairThatIsClosedEndsItsConnection() {
        connect();
        right.receive(rightPair, 1, 0, 64);

        meanwhile(() -> {
            leftPair.close();
            leftPair.close();
            return null;
        });

        expectFailure(right, 1, Completions.FLUSHED);
        pump("the news", () -> right.ends.size() == 1);
        assertThat(left.pending()).isZero();
    }

    @Test
    void manyConnectionsComeAndGo() throws Exception {
        for (int i = 0; i < 20; i++) {
            connect();
            right.receive(rightPair, i, 0, 64);
            left.sends.send(i, SendRequests.SIGNALED);
            left.piece(0, 64);
            left.post(leftPair);
            expect(right, i);
            expect(left, i);
            var ending = leftPair;
            meanwhile(() -> {
                ending.close();
                return null;
            });
        }
    }

    // Shared receives, and what belongs together.

    @Test
    void queuePairsShareReceives() {
        var shared = right.device.createSharedReceiveQueue(right.domain, right.reactor, 16, 2);
        right.closing(shared::close);
        var setup = new QueuePairSetup(right.domain, right.queue, right.queue, shared, 16, 0, 2);
        var pairs = new VerbsQueuePair[] {right.pair(setup), right.pair(setup)};
        var froms = new VerbsQueuePair[] {left.pair(), left.pair()};
        for (int i = 0; i < 2; i++) {
            connect(froms[i], pairs[i], READS, READS);
        }
        right.receives.clear();
        for (int i = 0; i < 6; i++) {
            right.receives.receive(i);
            right.receives.segment(right.at(i * 5000), 5000, right.region.localKey());
        }
        assertThat(shared.postReceive(right.receives)).isEqualTo(6);

        for (int i = 0; i < 4; i++) {
            left.bytes(0, random(4500, i));
            left.sends.send(i, SendRequests.SIGNALED);
            left.piece(0, 4500);
            left.post(froms[i % 2]);
            var received = expect(right, i);
            assertThat(received.pair()).isEqualTo(pairs[i % 2].number());
            assertThat(right.bytes(i * 5000L, 4500)).isEqualTo(left.bytes(0, 4500));
            expect(left, i);
        }
        assertThatThrownBy(shared::close).isInstanceOf(IllegalStateException.class);
        right.receives.clear();
        assertThatThrownBy(() -> pairs[0].postReceive(right.receives)).isInstanceOf(IllegalStateException.class);

        meanwhile(() -> {
            froms[0].close();
            return null;
        });
        pump("the news", () -> right.ends.size() == 1);
        // The receives that are left are the other's.
        left.sends.send(9, SendRequests.SIGNALED);
        left.piece(0, 10);
        left.post(froms[1]);
        expect(right, 4);
        expect(left, 9);
    }

    @Test
    void whatIsInUseIsNotClosedAndWhatDoesNotBelongTogetherIsNotMade() {
        connect();

        assertThatThrownBy(right.queue::close).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(right.domain::close).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> right.domain.register(right.memory.segment(), Access.REMOTE_WRITE))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> right.domain.register(right.memory.segment(), 1 << 20))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new QueuePairSetup(right.domain, left.queue, right.queue, null, 1, 1, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new QueuePairSetup(right.domain, right.queue, right.queue, null, 1, 0, 1))
                .isInstanceOf(IllegalArgumentException.class);
        int most = right.device.limits().maxSendRequests();
        assertThatThrownBy(() ->
                        right.pair(new QueuePairSetup(right.domain, right.queue, right.queue, null, most + 1, 1, 1)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(right.queue.readyToPark()).isTrue();
    }

    @Test
    void anotherThreadNeitherPostsNorPolls() throws Exception {
        connect();
        var thrown = new CompletableFuture<Throwable>();
        Thread.ofPlatform().start(() -> thrown.complete(catchThrowable(() -> leftPair.post(left.sends))));

        assertThat(thrown.get()).isInstanceOf(IllegalStateException.class);
    }
}
