package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import io.doorbell.verbs.ConnectException;
import io.doorbell.verbs.ConnectListener;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.ConnectRequest;
import io.doorbell.verbs.VerbsPeer;
import io.doorbell.verbs.VerbsQueuePair;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the connection manager does when messages are lost, repeated, late, of others or nonsense. */
class ConnectionManagerTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private static final int NUMBER = 0x4321;
    private static final int ID = 0x7777;

    private final SoftDevice device = Loopback.device();
    private final VerbsPeer node = new VerbsPeer(device, 1 << 16);
    private final RawPeer peer = new RawPeer(device);
    private final BlockingQueue<ConnectRequest> requests = new ArrayBlockingQueue<>(16);
    private ConnectListener listening;

    @AfterEach
    void close() throws Exception {
        node.close();
        peer.close();
        device.close();
    }

    private int listen() {
        listening = device.listen(0, request -> {
            requests.add(request);
            request.accept(node.pair(), ConnectParameters.DEFAULT.withReads(1, 1), new byte[] {5}, node.listener);
        });
        return listening.address().getPort();
    }

    /** Runs the node until it is so. */
    private void until(BooleanSupplier condition) {
        long deadline = System.nanoTime() + BOUND.toNanos();
        while (!condition.getAsBoolean()) {
            if (node.cycle() == 0) {
                LockSupport.parkNanos(100_000);
            }
            assertThat(System.nanoTime()).as("%s", device.counters()).isLessThan(deadline);
        }
    }

    private CmMessage receive(int attribute) {
        return peer.receive(attribute, node::cycle);
    }

    private CmMessage.Terms connect() {
        peer.send(peer.request(ID, NUMBER, listen()));
        var reply = receive(CmMessage.REP);
        peer.send(CmMessage.readyToUse(42, ID, reply.localId()));
        until(() -> node.established == 1);
        id = reply.localId();
        return reply.replyTerms();
    }

    private int id;

    @Test
    void aRequestThatIsRepeatedIsAnsweredAlikeAndMakesOneQueuePair() {
        var request = peer.request(ID, NUMBER, listen());
        peer.send(request);
        var first = receive(CmMessage.REP);
        peer.send(request);
        var second = receive(CmMessage.REP);

        assertThat(second.mad).isEqualTo(first.mad);
        assertThat(first.remoteId()).isEqualTo(ID);
        assertThat(first.transaction()).isEqualTo(42);
        assertThat(first.replyTerms().number()).isGreaterThan(0x100).isLessThan(0xFF_FFFF);
        assertThat(first.replyTerms().initiatorDepth()).isEqualTo(1);
        assertThat(first.replyData()).startsWith(5, 0);
        assertThat(requests).hasSize(1);
    }

    @Test
    void anAnswerIsRepeatedUntilThePeerIsReady() {
        peer.send(peer.request(ID, NUMBER, listen()));
        var first = receive(CmMessage.REP);
        var again = receive(CmMessage.REP);
        assertThat(again.mad).isEqualTo(first.mad);

        peer.send(CmMessage.readyToUse(42, ID, first.localId()));
        until(() -> node.established == 1);
        peer.send(CmMessage.readyToUse(42, ID, first.localId()));
        until(() -> device.counters().get("drop_cm_wrong_state") == 1);
        assertThat(node.established).isEqualTo(1);
    }

    @Test
    void theFirstPacketSaysThatThePeerIsReadyToo() {
        peer.send(peer.request(ID, NUMBER, listen()));
        var terms = receive(CmMessage.REP).replyTerms();
        var pair = (VerbsQueuePair) device.connections().pairs().getFirst();
        node.receive(pair, 9, 0, 64);

        peer.send(Opcode.SEND_ONLY, terms.number(), terms.psn(), true, new byte[] {1, 2, 3, 4});

        until(() -> node.established == 1 && node.pending() == 1);
        assertThat(node.take().bytes()).isEqualTo(4);
    }

    @Test
    void whoNeverSaysThatHeIsReadyIsForgotten() {
        peer.send(peer.request(ID, NUMBER, listen()));
        var reply = receive(CmMessage.REP);

        // The asker has given up, without knowing the id of this side.
        peer.send(CmMessage.reject(
                42,
                ID,
                0,
                CmMessage.ABOUT_OTHER,
                CmMessage.TIMEOUT,
                java.nio.ByteBuffer.allocate(8).putLong(RawPeer.GUID).array(),
                new byte[0]));

        until(() -> node.ends.size() == 1);
        // It says so to the peer too, in case it was a misunderstanding.
        assertThat(receive(CmMessage.DREQ).localId()).isEqualTo(reply.localId());
    }

    @Test
    void aDisconnectIsAnsweredAlsoWhenItComesAgainOrForNothing() {
        var terms = connect();

        peer.send(CmMessage.disconnect(77, ID, id, 0x99));
        until(() -> device.counters().get("drop_cm_wrong_peer") == 1);
        assertThat(node.ends).isEmpty();

        for (int i = 0; i < 2; i++) {
            peer.send(CmMessage.disconnect(77, ID, id, terms.number()));
            var answer = receive(CmMessage.DREP);
            assertThat(answer.transaction()).isEqualTo(77);
            assertThat(answer.localId()).isEqualTo(id);
            assertThat(answer.remoteId()).isEqualTo(ID);
        }
        until(() -> node.ends.size() == 1);
        peer.send(CmMessage.disconnect(78, 1, 2, 3));
        assertThat(receive(CmMessage.DREP).transaction()).isEqualTo(78);
        until(() -> device.connections().count() == 0);
    }

    @Test
    void aDisconnectOfThisSideIsRepeatedAndEndsWithoutAnAnswer() {
        connect();
        device.connections().pairs().getFirst().connection.disconnect();

        var first = receive(CmMessage.DREQ);
        var second = receive(CmMessage.DREQ);

        assertThat(second.mad).isEqualTo(first.mad);
        assertThat(first.disconnectedNumber()).isEqualTo(NUMBER);
        peer.send(CmMessage.disconnected(first));
        until(() -> device.connections().count() == 0);
    }

    @Test
    void whatCannotBeIsRejectedWithTheReason() {
        int port = listen();
        var good = new CmMessage.Terms(RawPeer.GUID, NUMBER, 1, 4, 4, 7, 7, 3);
        requireRejected(peer.request(ID, good, port ^ 1), CmMessage.INVALID_SERVICE);
        requireRejected(
                peer.request(ID, new CmMessage.Terms(RawPeer.GUID, NUMBER, 1, 4, 4, 7, 7, 6), port),
                CmMessage.INVALID_MTU);
        requireRejected(
                peer.request(ID, new CmMessage.Terms(RawPeer.GUID, NUMBER, 1, 4, 4, 7, 7, 0), port),
                CmMessage.INVALID_MTU);
        requireRejected(
                peer.request(ID, new CmMessage.Terms(RawPeer.GUID, 1, 1, 4, 4, 7, 7, 3), port), CmMessage.CONSUMER);
        var otherGid = peer.request(ID, good, port);
        otherGid.mad[111] ^= 1;
        requireRejected(otherGid, CmMessage.INVALID_GID);
        var unreliable = peer.request(ID, good, port);
        unreliable.mad[67] |= 2;
        requireRejected(unreliable, CmMessage.INVALID_TRANSPORT);
        var otherFamily = peer.request(ID, good, port);
        otherFamily.mad[165] = 0x60;
        requireRejected(otherFamily, CmMessage.CONSUMER);
        var otherVersion = peer.request(ID, good, port);
        otherVersion.mad[164] = 1;
        requireRejected(otherVersion, CmMessage.CONSUMER);
        assertThat(device.connections().count()).isZero();
        assertThat(requests).isEmpty();
    }

    private void requireRejected(CmMessage request, int reason) {
        peer.send(request);
        var rejection = receive(CmMessage.REJ);
        assertThat(rejection.reason()).isEqualTo(reason);
        assertThat(rejection.remoteId()).isEqualTo(ID);
    }

    @Test
    void aQueuePairThatConnectsAnewEndsItsOldConnection() {
        connect();

        peer.send(peer.request(ID + 1, NUMBER, listening.address().getPort()));

        assertThat(receive(CmMessage.REJ).reason()).isEqualTo(CmMessage.STALE);
        assertThat(receive(CmMessage.DREQ).remoteId()).isEqualTo(ID);
        until(() -> node.ends.size() == 1);
    }

    @Test
    void messagesOfOthersChangeNothing() {
        var terms = connect();
        try (var stranger = new RawPeer(device)) {
            stranger.send(CmMessage.disconnect(1, ID, id, terms.number()));
            stranger.send(
                    CmMessage.reject(1, ID, id, CmMessage.ABOUT_REP, CmMessage.CONSUMER, new byte[0], new byte[0]));
            stranger.send(CmMessage.readyToUse(1, ID, id));
            stranger.send(Opcode.SEND_ONLY, terms.number(), terms.psn(), true, new byte[4]);
            until(() -> device.counters().get("drop_wrong_peer") == 1
                    && device.counters().get("drop_cm_wrong_peer") == 2);
        }
        assertThat(node.ends).isEmpty();
    }

    @Test
    void undecidedRequestsAreBoundedAndToldToWait() throws Exception {
        var decide = new CountDownLatch(1);
        try (var slow = device.listen(0, request -> {
            try {
                decide.await(60, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        })) {
            int port = slow.address().getPort();
            for (int i = 0; i < ConnectionManager.MAX_DECIDING; i++) {
                peer.send(peer.request(ID + i, NUMBER + i, port));
            }
            until(() -> device.connections().count() == ConnectionManager.MAX_DECIDING);

            peer.send(peer.request(1, 99, port));
            assertThat(receive(CmMessage.REJ).reason()).isEqualTo(CmMessage.NO_RESOURCES);
            peer.send(peer.request(ID, NUMBER, port));
            assertThat(receive(CmMessage.MRA).remoteId()).isEqualTo(ID);
        } finally {
            decide.countDown();
        }
        for (int i = 0; i < ConnectionManager.MAX_DECIDING; i++) {
            assertThat(receive(CmMessage.REJ).reason()).isEqualTo(CmMessage.CONSUMER);
        }
        until(() -> device.connections().count() == 0);
    }

    @Test
    void aQueuePairWhosePeerGivesUpWhileItIsBeingConnectedIsNotLeftConnected() throws Exception {
        var pair = (SoftQueuePair) node.pair();
        var accepted = new CompletableFuture<Throwable>();
        try (var listener = device.listen(
                0,
                request -> accepted.complete(catchThrowable(
                        () -> request.accept(pair, ConnectParameters.DEFAULT, new byte[0], node.listener))))) {
            peer.send(peer.request(ID, NUMBER, listener.address().getPort()));
            // It waits for the thread of the lane now, which is this one.
            await().atMost(BOUND).until(() -> claimed(pair) == SoftConnection.State.DECIDING);
            var guid = ByteBuffer.allocate(Long.BYTES).putLong(RawPeer.GUID).array();
            peer.send(CmMessage.reject(42, ID, 0, CmMessage.ABOUT_OTHER, CmMessage.TIMEOUT, guid, new byte[0]));
            await().atMost(BOUND).until(() -> claimed(pair) == SoftConnection.State.TIME_WAIT);

            until(accepted::isDone);

            assertThat(accepted.join()).isInstanceOf(ConnectException.class);
            until(() -> !pair.isConnected());
        }
    }

    /** What has become of the connection of a queue pair, null before there is one. */
    private SoftConnection.State claimed(SoftQueuePair pair) {
        synchronized (device.connections()) {
            return pair.connection == null ? null : pair.connection.state;
        }
    }

    @Test
    void whoConnectsAsksAgainWaitsWhenToldAndSaysThatItIsReadyAgain() throws Exception {
        var pair = node.pair();
        var connected = new CompletableFuture<Object>();
        Thread.ofVirtual()
                .start(() -> connected.complete(device.connect(
                        pair,
                        new InetSocketAddress(peer.address, 4420),
                        ConnectParameters.DEFAULT.withReads(2, 3),
                        new byte[] {8},
                        node.listener,
                        Duration.ofSeconds(10))));

        var first = receive(CmMessage.REQ);
        var request = receive(CmMessage.REQ);
        assertThat(request.mad).isEqualTo(first.mad);
        assertThat(request.service()).isEqualTo(0x0106_1144L);
        assertThat(request.requestData()).startsWith(8, 0);
        peer.send(CmMessage.wait(request.transaction(), 5, request.localId(), CmMessage.ABOUT_REQ, 20));
        var reply =
                CmMessage.reply(request, 5, new CmMessage.Terms(RawPeer.GUID, NUMBER, 1, 2, 2, 0, 7, 0), new byte[0]);
        peer.send(reply);
        assertThat(receive(CmMessage.RTU).remoteId()).isEqualTo(5);
        peer.send(reply);
        assertThat(receive(CmMessage.RTU).remoteId()).isEqualTo(5);
        connected.get(60, TimeUnit.SECONDS);
        assertThat(pair.isConnected()).isTrue();
    }

    @Test
    void whoGetsNoAnswerGivesUpAndSaysSo() {
        var pair = node.pair();
        var failed = new CompletableFuture<Void>();
        Thread.ofVirtual().start(() -> {
            try {
                assertThatThrownBy(() -> device.connect(
                                pair,
                                new InetSocketAddress(peer.address, 4420),
                                ConnectParameters.DEFAULT,
                                new byte[0],
                                node.listener,
                                Duration.ofMillis(300)))
                        .isInstanceOfSatisfying(
                                ConnectException.class,
                                refused -> assertThat(refused.reason()).isEqualTo(ConnectException.NO_ANSWER));
                failed.complete(null);
            } catch (Throwable thrown) {
                failed.completeExceptionally(thrown);
            }
        });

        int asked = receive(CmMessage.REQ).localId();
        var rejection = receive(CmMessage.REJ);
        assertThat(rejection.reason()).isEqualTo(CmMessage.TIMEOUT);
        assertThat(rejection.localId()).isEqualTo(asked);
        until(() -> failed.isDone());
        failed.join();
    }
}
