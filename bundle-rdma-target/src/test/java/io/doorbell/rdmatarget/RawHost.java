package io.doorbell.rdmatarget;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.verbs.Access;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.Connection;
import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsPeer;
import io.doorbell.verbs.VerbsQueuePair;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;

/** A host that does by hand what NVMe/RDMA hosts do: one queue pair, capsules as the test wants them. Runs on the test's thread. */
final class RawHost implements AutoCloseable {
    static final int FABRICS = 0x7F;
    static final int KEYED = 0x40;
    static final int KEYED_INVALIDATE = 0x4F;
    static final int IN_CAPSULE = 0x01;
    static final int LIST = 0x31;

    /** Of the memory: capsules that go out, answers that come in, then data. */
    private static final int CAPSULE_BYTES = 16_384;

    private static final int ANSWERS = 1 << 20;
    static final int DATA = 2 << 20;
    static final int MEMORY_BYTES = 16 << 20;
    private static final long BOUND_NANOS = 60_000_000_000L;
    static final int ENTRIES = 32;

    /** An answer. */
    record Answer(int cid, int status, long result) {}

    final VerbsPeer peer;
    final VerbsQueuePair pair;
    Connection connection;
    private final IntSupplier beside;

    /** Whose key the target gets. */
    private MemoryRegion opened;

    private int nextCid;
    private int nextAnswer;

    RawHost(VerbsDevice device) {
        this(device, MEMORY_BYTES, () -> 0);
    }

    /** @param beside what is to be done by this thread while it waits, once more; returns work done */
    RawHost(VerbsDevice device, int bytes, IntSupplier beside) {
        this.beside = beside;
        peer = new VerbsPeer(device, bytes);
        opened = peer.region;
        pair = peer.pair();
        for (int i = 0; i < ENTRIES; i++) {
            receive();
        }
    }

    /** From now on the target gets a key of so much of the memory, and of no more. */
    void open(int offset, int bytes) {
        opened = peer.domain.register(
                peer.memory.segment().asSlice(offset, bytes),
                Access.REMOTE_READ | Access.REMOTE_WRITE | Access.LOCAL_WRITE);
        peer.closing(opened::close);
    }

    private void receive() {
        peer.receive(pair, 1000 + nextAnswer % ENTRIES, ANSWERS + nextAnswer++ % ENTRIES * 16, 16);
    }

    static byte[] privateData(int recfmt, int qid, int hrqsize, int hsqsize) {
        return ByteBuffer.allocate(32)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) recfmt)
                .putShort((short) qid)
                .putShort((short) hrqsize)
                .putShort((short) hsqsize)
                .array();
    }

    RawHost connect(InetSocketAddress address, int qid) {
        return connect(address, privateData(0, qid, ENTRIES, ENTRIES - 1), 8);
    }

    RawHost connect(InetSocketAddress address, byte[] privateData, int reads) {
        var connected = new CompletableFuture<Connection>();
        Thread.ofVirtual().start(() -> {
            try {
                connected.complete(peer.device.connect(
                        pair,
                        address,
                        ConnectParameters.DEFAULT.withReads(reads, 0),
                        privateData,
                        peer.listener,
                        Duration.ofSeconds(15)));
            } catch (RuntimeException refused) {
                connected.completeExceptionally(refused);
            }
        });
        until(connected::isDone);
        try {
            connection = connected.join();
        } catch (CompletionException refused) {
            throw (RuntimeException) refused.getCause();
        }
        return this;
    }

    void until(BooleanSupplier condition) {
        long deadline = System.nanoTime() + BOUND_NANOS;
        while (!condition.getAsBoolean()) {
            if (peer.cycle() + beside.getAsInt() == 0) {
                LockSupport.parkNanos(20_000);
            }
            assertThat(System.nanoTime())
                    .as(() -> peer.device.counters().toString())
                    .isLessThan(deadline);
        }
    }

    /** A command, with its SGL descriptor still to be put in. */
    ByteBuffer command(int opc, int nsid, int cdw10, int cdw11, int cdw12) {
        return ByteBuffer.allocate(64)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(0, (byte) opc)
                .put(1, (byte) 0x40)
                .putShort(2, (short) nextCid++)
                .putInt(4, nsid)
                .putInt(40, cdw10)
                .putInt(44, cdw11)
                .putInt(48, cdw12);
    }

    ByteBuffer keyed(ByteBuffer command, int identifier, long address, int bytes, int key) {
        command.putLong(24, address).putInt(32, bytes).putInt(35, key).put(39, (byte) identifier);
        return command;
    }

    /** Data at {@code offset} of this memory. */
    ByteBuffer keyed(ByteBuffer command, int offset, int bytes) {
        return keyed(command, KEYED, peer.at(offset), bytes, opened.remoteKey());
    }

    /** A list of so many descriptors, which is to be sent as what the command brings along. */
    ByteBuffer list(ByteBuffer command, int descriptors) {
        command.putLong(24, 0).putInt(32, descriptors * 16).putInt(36, 0).put(39, (byte) LIST);
        return command;
    }

    /** A descriptor of data at {@code offset} of this memory. */
    void descriptor(ByteBuffer list, int offset, int bytes) {
        list.putLong(peer.at(offset));
        list.putInt(bytes & 0xFF_FFFF | opened.remoteKey() << 24);
        list.putInt(opened.remoteKey() >>> 8 | KEYED << 24);
    }

    ByteBuffer inCapsule(ByteBuffer command, int bytes) {
        command.putLong(24, 0).putInt(32, bytes).putInt(36, 0).put(39, (byte) IN_CAPSULE);
        return command;
    }

    /** Sends what may not be a capsule at all. */
    void sendRaw(byte[] bytes) {
        peer.bytes(0, bytes);
        peer.sends.send(1, SendRequests.SIGNALED);
        peer.piece(0, bytes.length);
        peer.post(pair);
    }

    /** Sends a capsule; its answer is to come. Returns its id. */
    int send(ByteBuffer command, byte[] data) {
        int cid = Short.toUnsignedInt(command.getShort(2));
        int at = cid % ENTRIES * CAPSULE_BYTES;
        peer.bytes(at, command.array());
        peer.bytes(at + 64, data);
        peer.sends.send(1, SendRequests.SIGNALED);
        peer.piece(at, command.capacity() + data.length);
        peer.post(pair);
        return cid;
    }

    /** The next answer. */
    Answer answer() {
        var answer = answerOrEnd();
        assertThat(answer).as("%s", peer.ends).isNotNull();
        return answer;
    }

    /** The next answer, or null when the connection has ended. */
    Answer answerOrEnd() {
        while (true) {
            until(() -> peer.pending() > 0 || !peer.ends.isEmpty());
            if (peer.pending() == 0) {
                return null;
            }
            var done = peer.take();
            if (done.status() != 0) {
                return null;
            }
            if (done.isReceive()) {
                assertThat(done.bytes()).isEqualTo(16);
                var memory = peer.memory.segment();
                long at = ANSWERS + (done.id() - 1000) * 16;
                long result = memory.get(ValueLayout.JAVA_LONG, at);
                int cid = Short.toUnsignedInt(memory.get(ValueLayout.JAVA_SHORT, at + 12));
                int status = Short.toUnsignedInt(memory.get(ValueLayout.JAVA_SHORT, at + 14)) >> 1;
                if (pair.isConnected()) {
                    receive();
                }
                return new Answer(cid, status, result);
            }
        }
    }

    Answer ask(ByteBuffer command, byte[] data) {
        int cid = send(command, data);
        var answer = answer();
        assertThat(answer.cid).isEqualTo(cid);
        return answer;
    }

    long succeed(ByteBuffer command, byte[] data) {
        var answer = ask(command, data);
        assertThat(Integer.toHexString(answer.status)).isEqualTo("0");
        return answer.result;
    }

    // Fabrics.

    private static byte[] connectData(int controllerId, String nqn) {
        var data = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
        data.put(0, (byte) 7).putShort(16, (short) controllerId);
        data.put(256, nqn.getBytes(StandardCharsets.US_ASCII));
        data.put(512, "nqn.2026-11.io.doorbell:host".getBytes(StandardCharsets.US_ASCII));
        return data.array();
    }

    private ByteBuffer connectCommand(int qid) {
        return command(FABRICS, 1, qid << 16, ENTRIES - 1, 0);
    }

    /** Connect with its data behind a key. Returns the id of the controller. */
    int admin(String nqn) {
        var answer = tryAdmin(nqn);
        assertThat(Integer.toHexString(answer.status)).isEqualTo("0");
        return (int) answer.result & 0xFFFF;
    }

    Answer tryAdmin(String nqn) {
        peer.bytes(DATA, connectData(0xFFFF, nqn));
        return ask(keyed(connectCommand(0), DATA, 1024), new byte[0]);
    }

    /** Enables the controller. */
    void enable() {
        succeed(command(FABRICS, 0, 0, 0x14, 0x0046_0001), new byte[0]);
        until(() -> (succeed(command(FABRICS, 4, 0, 0x1C, 0), new byte[0]) & 1) == 1);
    }

    /** Connect with its data in the capsule. */
    void io(int qid, int controllerId, String nqn) {
        succeed(inCapsule(connectCommand(qid), 1024), connectData(controllerId, nqn));
    }

    static ByteBuffer blocks(ByteBuffer command, long slba, int blocks) {
        return command.putLong(40, slba).putInt(48, blocks - 1);
    }

    @Override
    public void close() {
        peer.close();
    }
}
