package io.doorbell.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.HandReactor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every {@link Namespace} does. A backend's test extends it and says how one is made. */
public abstract class NamespaceContract {
    private static final long BOUND_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final int BLOCKS = 64;
    private static final int RANDOM_STEPS = 1500;

    private final HandReactor reactor = HandReactor.byHand("test");
    private final List<AutoCloseable> opened = new ArrayList<>();

    protected NamespaceContract() {}

    /** A new namespace, of zeroes where it keeps data. */
    protected abstract Namespace make(BlockFormat format, long blockCount);

    /** Whether it can be formatted and erased as a whole; else both are refused. */
    protected boolean isFormatted() {
        return true;
    }

    @AfterEach
    void closeAll() throws Exception {
        for (var resource : opened.reversed()) {
            resource.close();
        }
    }

    protected final HandReactor reactor() {
        return reactor;
    }

    protected final NamespaceSession session(int blockBytes, long blockCount) {
        return session(namespace(blockBytes, blockCount));
    }

    protected final NamespaceSession session(Namespace namespace) {
        var session = namespace.open(reactor);
        opened.add(session);
        return session;
    }

    protected final Namespace namespace(int blockBytes, long blockCount) {
        return namespace(BlockFormat.of(blockBytes), blockCount);
    }

    protected final Namespace namespace(BlockFormat format, long blockCount) {
        var namespace = make(format, blockCount);
        opened.add(namespace);
        return namespace;
    }

    private NamespaceSession keeping(int blockBytes, long blockCount) {
        var namespace = namespace(blockBytes, blockCount);
        assumeTrue(namespace.shape().keepsData(), "keeps no data");
        return session(namespace);
    }

    /** Submits and waits for the end. */
    protected final int run(NamespaceSession session, TestRequest request) {
        int status = session.submit(request);
        return status == NvmRequest.PENDING ? await(session, request) : unpended(request, status);
    }

    protected final int runFused(NamespaceSession session, TestRequest compare, TestRequest write) {
        int status = session.submitFused(compare, write);
        return status == NvmRequest.PENDING ? await(session, write) : unpended(write, status);
    }

    private static int unpended(TestRequest request, int status) {
        assertThat(request.completions())
                .as("completed although it was not pending")
                .isZero();
        return status;
    }

    private int await(NamespaceSession session, TestRequest request) {
        assertThat(session.inFlight() > 0 || request.completions() > 0)
                .as("pending and not in flight")
                .isTrue();
        long startNanos = System.nanoTime();
        while (request.completions() == 0) {
            reactor.cycle();
            session.poll(System.nanoTime());
            assertThat(System.nanoTime() - startNanos).as("time it takes").isLessThan(BOUND_NANOS);
        }
        assertThat(request.completions()).isEqualTo(1);
        return request.status();
    }

    protected final void write(NamespaceSession session, long slba, byte[] data, int blockBytes) {
        var request = TestRequest.blocks(NvmOpcode.WRITE, slba, data.length / blockBytes)
                .with(data);
        assertThat(run(session, request)).isZero();
    }

    protected final byte[] read(NamespaceSession session, long slba, int blockCount, int blockBytes) {
        var data = new byte[blockCount * blockBytes];
        Arrays.fill(data, (byte) 0xEE);
        assertThat(run(
                        session,
                        TestRequest.blocks(NvmOpcode.READ, slba, blockCount).with(data)))
                .isZero();
        return data;
    }

    protected static byte[] pattern(int bytes, int seed) {
        var data = new byte[bytes];
        new Random(seed).nextBytes(data);
        return data;
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void tellsItsShape(int blockBytes) {
        var shape = namespace(blockBytes, BLOCKS).shape();

        assertThat(shape.blockBytes()).isEqualTo(blockBytes);
        assertThat(shape.blockCount()).isEqualTo(BLOCKS);
        assertThat(shape.uuid()).isNotNull();
        assertThat(shape.backend()).isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void readsWhatWasWritten(int blockBytes) {
        var session = keeping(blockBytes, BLOCKS);
        var data = pattern(3 * blockBytes, 1);

        write(session, 5, data, blockBytes);

        assertThat(read(session, 5, 3, blockBytes)).isEqualTo(data);
        assertThat(read(session, 4, 1, blockBytes)).containsOnly(0);
        assertThat(read(session, 8, 1, blockBytes)).containsOnly(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"512+8", "512+64/pi1", "4096+8/pi2/first", "4096+16/extended"})
    void keepsTheMetadataOfEachBlockBehindItsData(String spelled) {
        var format = BlockFormat.parse(spelled);
        var namespace = namespace(format, BLOCKS);
        assertThat(namespace.shape().format()).isEqualTo(format);
        assertThat(namespace.shape().byteSize()).isEqualTo((long) BLOCKS * format.blockBytes());
        assumeTrue(namespace.shape().keepsData(), "keeps no data");
        var session = session(namespace);
        int stored = format.storedBytes();
        var all = pattern(BLOCKS * stored, 1);
        write(session, 0, all, stored);
        var some = pattern(3 * stored, 2);

        write(session, 5, some, stored);
        int zeroed = run(session, TestRequest.blocks(NvmOpcode.WRITE_ZEROES, 20, 2));
        int deallocated = run(session, TestRequest.datasetManagement(true, new long[] {BLOCKS - 1, 1}));

        assertThat(zeroed).isZero();
        assertThat(deallocated).isZero();
        System.arraycopy(some, 0, all, 5 * stored, some.length);
        Arrays.fill(all, 20 * stored, 22 * stored, (byte) 0);
        Arrays.fill(all, (BLOCKS - 1) * stored, BLOCKS * stored, (byte) 0);
        assertThat(read(session, 0, BLOCKS, stored)).isEqualTo(all);
        assertThat(run(session, TestRequest.blocks(NvmOpcode.COMPARE, 5, 3).with(some)))
                .isZero();
        some[some.length - 1] ^= 1;
        assertThat(Status.code(
                        run(session, TestRequest.blocks(NvmOpcode.COMPARE, 5, 3).with(some))))
                .isEqualTo(Status.COMPARE_FAILURE);
    }

    @Test
    void readsZeroWhereNothingWasWritten() {
        assertThat(read(keeping(512, BLOCKS), 0, BLOCKS, 512)).containsOnly(0);
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void servesTheFirstAndTheLastBlock(int blockBytes) {
        var session = keeping(blockBytes, BLOCKS);
        var first = pattern(blockBytes, 1);
        var last = pattern(blockBytes, 2);

        write(session, 0, first, blockBytes);
        write(session, BLOCKS - 1, last, blockBytes);

        assertThat(read(session, 0, 1, blockBytes)).isEqualTo(first);
        assertThat(read(session, BLOCKS - 1, 1, blockBytes)).isEqualTo(last);
    }

    @Test
    void takesDataInPiecesOfAnySize() {
        var session = keeping(512, BLOCKS);
        var data = pattern(3 * 512, 3);
        var into = new byte[][] {new byte[1], new byte[1023], new byte[512]};

        int written = run(
                session,
                TestRequest.blocks(NvmOpcode.WRITE, 7, 3)
                        .withPieces(
                                Arrays.copyOf(data, 4),
                                Arrays.copyOfRange(data, 4, 900),
                                Arrays.copyOfRange(data, 900, data.length)));
        int read = run(session, TestRequest.blocks(NvmOpcode.READ, 7, 3).withPieces(into));

        assertThat(written).isZero();
        assertThat(read).isZero();
        var all = ByteBuffer.allocate(data.length).put(into[0]).put(into[1]).put(into[2]);
        assertThat(all.array()).isEqualTo(data);
    }

    @Test
    void deallocatedBlocksReadZeroAndTheOthersStay() {
        var session = keeping(512, BLOCKS);
        var data = pattern(BLOCKS * 512, 4);
        write(session, 0, data, 512);

        int status = run(
                session,
                TestRequest.datasetManagement(true, new long[] {1, 1}, new long[] {5, 20}, new long[] {40, 0}));

        assertThat(status).isZero();
        Arrays.fill(data, 512, 2 * 512, (byte) 0);
        Arrays.fill(data, 5 * 512, 25 * 512, (byte) 0);
        assertThat(read(session, 0, BLOCKS, 512)).isEqualTo(data);
    }

    @Test
    void datasetManagementWithoutDeallocateChangesNothing() {
        var session = keeping(512, BLOCKS);
        var data = pattern(BLOCKS * 512, 5);
        write(session, 0, data, 512);

        assertThat(run(session, TestRequest.datasetManagement(false, new long[] {0, BLOCKS})))
                .isZero();

        assertThat(read(session, 0, BLOCKS, 512)).isEqualTo(data);
    }

    @Test
    void refusesRangesOutsideAndDeallocatesNoneOfThem() {
        var namespace = namespace(512, BLOCKS);
        var session = session(namespace);
        boolean keeps = namespace.shape().keepsData();
        var data = pattern(BLOCKS * 512, 6);
        write(session, 0, data, 512);

        for (long[] outside :
                new long[][] {{BLOCKS, 1}, {BLOCKS - 1, 2}, {-1, 1}, {Long.MAX_VALUE, 8}, {0, BLOCKS + 1}}) {
            int status = run(session, TestRequest.datasetManagement(true, new long[] {0, 1}, outside));

            assertThat(Status.code(status)).isEqualTo(Status.LBA_OUT_OF_RANGE);
        }
        if (keeps) {
            assertThat(read(session, 0, BLOCKS, 512)).isEqualTo(data);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void writesZeroes(int blockBytes) {
        var session = keeping(blockBytes, BLOCKS);
        var data = pattern(BLOCKS * blockBytes, 7);
        write(session, 0, data, blockBytes);

        int status = run(session, TestRequest.blocks(NvmOpcode.WRITE_ZEROES, 3, 30));

        assertThat(status).isZero();
        Arrays.fill(data, 3 * blockBytes, 33 * blockBytes, (byte) 0);
        assertThat(read(session, 0, BLOCKS, blockBytes)).isEqualTo(data);
    }

    @Test
    void zeroesManyMegabytesAndNothingBeside() {
        int blocks = 5000; // 20 MB: more than a backend does at one go
        var session = keeping(4096, blocks);
        var data = pattern(4096, 8);
        for (int slba : new int[] {0, 1, 2500, blocks - 2, blocks - 1}) {
            write(session, slba, data, 4096);
        }

        assertThat(run(session, TestRequest.blocks(NvmOpcode.WRITE_ZEROES, 1, blocks - 2)))
                .isZero();

        assertThat(read(session, 0, 1, 4096)).isEqualTo(data);
        assertThat(read(session, 1, 1, 4096)).containsOnly(0);
        assertThat(read(session, 2500, 1, 4096)).containsOnly(0);
        assertThat(read(session, blocks - 2, 1, 4096)).containsOnly(0);
        assertThat(read(session, blocks - 1, 1, 4096)).isEqualTo(data);
        assertThat(run(session, TestRequest.datasetManagement(true, new long[] {0, 2500}, new long[] {2500, 2500})))
                .isZero();
        assertThat(read(session, 0, 1, 4096)).containsOnly(0);
        assertThat(read(session, blocks - 1, 1, 4096)).containsOnly(0);
        assertThat(session.inFlight()).isZero();
    }

    @Test
    void comparesEqualAndFindsEachDifference() {
        var session = keeping(512, BLOCKS);
        var data = pattern(4 * 512, 9);
        write(session, 2, data, 512);

        assertThat(run(session, TestRequest.blocks(NvmOpcode.COMPARE, 2, 4).with(data)))
                .isZero();
        for (int at : new int[] {0, 511, 512, 1500, data.length - 1}) {
            var other = data.clone();
            other[at] ^= 1;
            int status = run(
                    session,
                    TestRequest.blocks(NvmOpcode.COMPARE, 2, 4)
                            .withPieces(Arrays.copyOf(other, 700), Arrays.copyOfRange(other, 700, other.length)));
            assertThat(Status.code(status)).as("difference at " + at).isEqualTo(Status.COMPARE_FAILURE);
        }
    }

    @Test
    void flushesVerifiesAndForcesUnitAccess() {
        var namespace = namespace(512, BLOCKS);
        var session = session(namespace);
        var data = pattern(512, 10);

        assertThat(run(session, TestRequest.blocks(NvmOpcode.WRITE, 0, 1).fua().with(data)))
                .isZero();
        assertThat(run(session, TestRequest.blocks(NvmOpcode.FLUSH, 0, 1))).isZero();
        assertThat(run(session, TestRequest.blocks(NvmOpcode.VERIFY, 0, BLOCKS)))
                .isZero();
        assertThat(run(session, TestRequest.blocks(NvmOpcode.WRITE_ZEROES, 1, 1).fua()))
                .isZero();
        assertThat(run(session, TestRequest.blocks(NvmOpcode.READ, 0, 1).fua().with(new byte[512])))
                .isZero();
        namespace.flush();
    }

    @Test
    void canBeFormattedToHaveMetadataAndToHaveNone() {
        var namespace = namespace(512, BLOCKS);
        if (isRefused(namespace)) {
            return;
        }
        for (var format : List.of(BlockFormat.parse("512+64/pi1"), BlockFormat.parse("4096+8"), BlockFormat.of(512))) {
            namespace.format(format);

            assertThat(namespace.shape().format()).isEqualTo(format);
            assertThat(namespace.shape().byteSize()).isEqualTo(BLOCKS * 512L);
            int blocks = BLOCKS * 512 / format.blockBytes();
            int stored = format.storedBytes();
            try (var session = namespace.open(reactor)) {
                if (namespace.shape().keepsData()) {
                    assertThat(read(session, 0, blocks, stored)).containsOnly(0);
                    var data = pattern(blocks * stored, 3);
                    write(session, 0, data, stored);
                    assertThat(read(session, 0, blocks, stored)).isEqualTo(data);
                }
            }
        }
    }

    @Test
    void refusesOpcodesItDoesNotKnow() {
        var namespace = namespace(512, BLOCKS);
        assumeTrue(namespace.shape().keepsData(), "takes everything");

        assertThat(Status.code(run(session(namespace), TestRequest.blocks(NvmOpcode.COPY, 0, 1))))
                .isEqualTo(Status.INVALID_OPCODE);
    }

    @Test
    void fusedPairWritesWhenTheCompareIsEqualAndOnlyThen() {
        var session = keeping(512, BLOCKS);
        var before = pattern(2 * 512, 11);
        var after = pattern(2 * 512, 12);
        write(session, 8, before, 512);

        int refused = runFused(
                session,
                TestRequest.blocks(NvmOpcode.COMPARE, 8, 2).with(after),
                TestRequest.blocks(NvmOpcode.WRITE, 8, 2).with(after));
        var unchanged = read(session, 8, 2, 512);
        int done = runFused(
                session,
                TestRequest.blocks(NvmOpcode.COMPARE, 8, 2).with(before),
                TestRequest.blocks(NvmOpcode.WRITE, 8, 2).with(after));

        assertThat(Status.code(refused)).isEqualTo(Status.COMPARE_FAILURE);
        assertThat(unchanged).isEqualTo(before);
        assertThat(done).isZero();
        assertThat(read(session, 8, 2, 512)).isEqualTo(after);
    }

    /** Several reactors count up one block by compare and write: every step that counts must have counted. */
    @Test
    void fusedPairsOfManyReactorsLoseNoUpdate() throws Exception {
        var namespace = namespace(512, BLOCKS);
        assumeTrue(namespace.shape().keepsData(), "keeps no data");
        int reactors = 3;
        int stepsEach = 200;
        var failures = new AtomicInteger();

        onReactors(reactors, (mine, index) -> {
            var session = namespace.open(mine);
            var rest = new byte[504];
            int steps = 0;
            while (steps < stepsEach) {
                var now = new byte[512];
                if (runOn(
                                mine,
                                session,
                                null,
                                TestRequest.blocks(NvmOpcode.READ, 0, 1).with(now))
                        != 0) {
                    failures.incrementAndGet();
                    break;
                }
                var next = now.clone();
                ByteBuffer.wrap(next)
                        .putLong(ByteBuffer.wrap(now).getLong() + 1)
                        .put(rest);
                int status = runOn(
                        mine,
                        session,
                        TestRequest.blocks(NvmOpcode.COMPARE, 0, 1).with(now),
                        TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(next));
                if (status == Status.SUCCESS) {
                    steps++;
                } else if (Status.code(status) != Status.COMPARE_FAILURE) {
                    failures.incrementAndGet();
                    break;
                }
            }
            drain(mine, session);
        });

        assertThat(failures).hasValue(0);
        var count = read(session(namespace), 0, 1, 512);
        assertThat(ByteBuffer.wrap(count).getLong()).isEqualTo((long) reactors * stepsEach);
    }

    /**
     * One reactor writes rising numbers, another replaces number n by −n with compare and write. When the writer finds −m
     * after it wrote n, m must be n: had its write come between the two halves for m, it would find −m over its n.
     */
    @Test
    void noPlainWriteComesBetweenTheHalvesOfAFusedPair() throws Exception {
        var namespace = namespace(4096, BLOCKS);
        assumeTrue(namespace.shape().keepsData(), "keeps no data");
        int pairs = 300; // that met the writer; how many writes that takes is chance, so a second is enough
        var wrong = new AtomicInteger();
        var replaced = new AtomicInteger();
        var writing = new AtomicInteger(1);

        onReactors(2, (mine, index) -> {
            var session = namespace.open(mine);
            if (index == 0) {
                long startNanos = System.nanoTime();
                for (long n = 1; replaced.get() < pairs && System.nanoTime() - startNanos < 1_000_000_000; n++) {
                    var found = new byte[16 * 4096];
                    runOn(
                            mine,
                            session,
                            null,
                            TestRequest.blocks(NvmOpcode.WRITE, 0, 16).with(filled(n)));
                    for (int look = 0; look < 3; look++) {
                        runOn(
                                mine,
                                session,
                                null,
                                TestRequest.blocks(NvmOpcode.READ, 0, 16).with(found));
                        // The last word: a fused pair writes it last, so a read in the middle sees n there.
                        long last = ByteBuffer.wrap(found).getLong(found.length - 8);
                        if (Math.abs(last) != n) {
                            wrong.incrementAndGet();
                        }
                    }
                }
                writing.set(0);
            } else {
                while (writing.get() == 1) {
                    var now = new byte[16 * 4096];
                    runOn(
                            mine,
                            session,
                            null,
                            TestRequest.blocks(NvmOpcode.READ, 0, 16).with(now));
                    long n = ByteBuffer.wrap(now).getLong(0);
                    int status = runOn(
                            mine,
                            session,
                            TestRequest.blocks(NvmOpcode.COMPARE, 0, 16).with(now),
                            TestRequest.blocks(NvmOpcode.WRITE, 0, 16).with(filled(-Math.abs(n))));
                    if (status == Status.SUCCESS && n > 0) {
                        replaced.incrementAndGet();
                    }
                }
            }
            drain(mine, session);
        });

        assertThat(wrong).hasValue(0);
        assertThat(replaced).as("pairs that met the writer").hasPositiveValue();
    }

    private static byte[] filled(long value) {
        var data = ByteBuffer.allocate(16 * 4096);
        while (data.hasRemaining()) {
            data.putLong(value);
        }
        return data.array();
    }

    private interface OnReactor {
        void run(HandReactor mine, int index) throws Exception;
    }

    /** Runs {@code body} on so many threads, each with a reactor of its own. */
    private static void onReactors(int count, OnReactor body) throws Exception {
        var threads = new ArrayList<Thread>();
        var failures = new ArrayList<Throwable>();
        for (int i = 0; i < count; i++) {
            int index = i;
            threads.add(Thread.ofPlatform().daemon().name("reactor-" + i).start(() -> {
                try {
                    body.run(HandReactor.byHand("reactor-" + index), index);
                } catch (Throwable failed) {
                    synchronized (failures) {
                        failures.add(failed);
                    }
                }
            }));
        }
        for (var thread : threads) {
            thread.join(TimeUnit.NANOSECONDS.toMillis(BOUND_NANOS));
            assertThat(thread.isAlive()).as("still at work").isFalse();
        }
        assertThat(failures).isEmpty();
    }

    private static int runOn(HandReactor mine, NamespaceSession session, TestRequest compare, TestRequest request) {
        mine.cycle();
        int status = compare == null ? session.submit(request) : session.submitFused(compare, request);
        if (status != NvmRequest.PENDING) {
            return status;
        }
        long startNanos = System.nanoTime();
        while (request.completions() == 0) {
            if (mine.cycle() + session.poll(System.nanoTime()) == 0) {
                Thread.yield();
            }
            if (System.nanoTime() - startNanos > BOUND_NANOS) {
                throw new IllegalStateException("a request does not end");
            }
        }
        return request.status();
    }

    /** Its thread ends now; until the session is closed the others wait for it. */
    private static void drain(HandReactor mine, NamespaceSession session) {
        mine.cycle();
        session.close();
    }

    @Test
    void doesWhatAnArrayDoes() {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("doorbell.seed=" + seed + " for " + getClass().getSimpleName());
        var random = new Random(seed);
        int blockBytes = random.nextBoolean() ? 512 : 4096;
        var session = keeping(blockBytes, BLOCKS);
        var model = new byte[BLOCKS * blockBytes];

        for (int step = 0; step < RANDOM_STEPS; step++) {
            int slba = random.nextInt(BLOCKS);
            int count = 1 + random.nextInt(Math.min(BLOCKS - slba, 16));
            int from = slba * blockBytes;
            int bytes = count * blockBytes;
            var data = new byte[bytes];
            random.nextBytes(data);
            String what = "seed " + seed + ", step " + step;
            switch (random.nextInt(7)) {
                case 0, 1 -> {
                    var request = TestRequest.blocks(NvmOpcode.WRITE, slba, count);
                    assertThat(run(session, split(request, data, random)))
                            .as(what)
                            .isZero();
                    System.arraycopy(data, 0, model, from, bytes);
                }
                case 2, 3 ->
                    assertThat(read(session, slba, count, blockBytes))
                            .as(what)
                            .isEqualTo(Arrays.copyOfRange(model, from, from + bytes));
                case 4 -> {
                    assertThat(run(session, TestRequest.blocks(NvmOpcode.WRITE_ZEROES, slba, count)))
                            .as(what)
                            .isZero();
                    Arrays.fill(model, from, from + bytes, (byte) 0);
                }
                case 5 -> {
                    var ranges = TestRequest.datasetManagement(true, new long[] {slba, count}, new long[] {slba, 1});
                    assertThat(run(session, ranges)).as(what).isZero();
                    Arrays.fill(model, from, from + bytes, (byte) 0);
                }
                default -> {
                    var expected = Arrays.copyOfRange(model, from, from + bytes);
                    boolean equal = random.nextBoolean();
                    if (!equal) {
                        expected[random.nextInt(bytes)] ^= 0x10;
                    }
                    int status = runFused(
                            session,
                            split(TestRequest.blocks(NvmOpcode.COMPARE, slba, count), expected, random),
                            split(TestRequest.blocks(NvmOpcode.WRITE, slba, count), data, random));
                    assertThat(Status.code(status)).as(what).isEqualTo(equal ? Status.SUCCESS : Status.COMPARE_FAILURE);
                    if (equal) {
                        System.arraycopy(data, 0, model, from, bytes);
                    }
                }
            }
        }
        assertThat(read(session, 0, BLOCKS, blockBytes)).as("seed " + seed).isEqualTo(model);
    }

    private static TestRequest split(TestRequest request, byte[] data, Random random) {
        int at = 0;
        while (at < data.length) {
            int part = Math.min(data.length - at, 1 + random.nextInt(5000));
            request.with(Arrays.copyOfRange(data, at, at + part));
            at += part;
        }
        return request;
    }

    @Test
    void manyRequestsMayBePendingAtOnce() {
        var session = keeping(512, 4096);
        var requests = new ArrayList<TestRequest>();

        for (int i = 0; i < 3000; i++) {
            var request = TestRequest.blocks(NvmOpcode.WRITE, i, 1).with(pattern(512, i));
            int status = session.submit(request);
            if (status == NvmRequest.PENDING) {
                requests.add(request);
            } else {
                assertThat(status).isZero();
            }
        }
        requests.forEach(request -> assertThat(await(session, request)).isZero());

        assertThat(session.inFlight()).isZero();
        for (int i = 0; i < 3000; i += 97) {
            assertThat(read(session, i, 1, 512)).isEqualTo(pattern(512, i));
        }
    }

    @Test
    void closesTwiceAndThenTakesNothing() {
        var namespace = namespace(512, BLOCKS);
        var session = namespace.open(reactor);

        session.close();
        session.close();

        assertThat(Status.code(
                        session.submit(TestRequest.blocks(NvmOpcode.READ, 0, 1).with(new byte[512]))))
                .isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
        assertThat(Status.code(session.submitFused(
                        TestRequest.blocks(NvmOpcode.COMPARE, 0, 1).with(new byte[512]),
                        TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(new byte[512]))))
                .isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
        namespace.close();
        namespace.close();
        assertThatThrownBy(() -> namespace.open(reactor)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void forgetsWhatIsPendingWhenASessionCloses() {
        var namespace = namespace(4096, 20_000);
        var session = namespace.open(reactor);
        var requests = new ArrayList<TestRequest>();
        for (int i = 0; i < 50; i++) {
            var request = TestRequest.blocks(NvmOpcode.WRITE_ZEROES, 0, 20_000);
            if (session.submit(request) == NvmRequest.PENDING) {
                requests.add(request);
            }
        }

        session.close();

        assertThat(session.inFlight()).isZero();
        assertThat(session.poll(System.nanoTime())).isZero();
        assertThat(requests)
                .allSatisfy(request -> assertThat(request.completions()).isZero());
        // And the namespace goes on for others.
        assertThat(run(session(namespace), TestRequest.blocks(NvmOpcode.FLUSH, 0, 1)))
                .isZero();
    }

    @Test
    void formattedItHasBlocksOfTheOtherSizeAndReadsZero() {
        var namespace = namespace(512, BLOCKS);
        if (isRefused(namespace)) {
            return;
        }
        assumeTrue(namespace.shape().keepsData(), "keeps no data");
        var uuid = namespace.shape().uuid();
        var before = namespace.open(reactor);
        assertThat(run(before, TestRequest.blocks(NvmOpcode.WRITE, 3, 1).with(filled(512))))
                .isZero();
        before.close();

        namespace.format(4096);

        assertThat(namespace.shape().blockBytes()).isEqualTo(4096);
        assertThat(namespace.shape().blockCount()).isEqualTo(BLOCKS / 8);
        assertThat(namespace.shape().uuid()).isEqualTo(uuid);
        var after = session(namespace);
        var whole = new byte[BLOCKS * 512];
        assertThat(run(after, TestRequest.blocks(NvmOpcode.READ, 0, BLOCKS / 8).with(whole)))
                .isZero();
        assertThat(whole).containsOnly(0);
        var block = filled(4096);
        assertThat(run(
                        after,
                        TestRequest.blocks(NvmOpcode.WRITE, BLOCKS / 8 - 1, 1).with(block)))
                .isZero();
        var back = new byte[4096];
        assertThat(run(
                        after,
                        TestRequest.blocks(NvmOpcode.READ, BLOCKS / 8 - 1, 1).with(back)))
                .isZero();
        assertThat(back).isEqualTo(block);
        assertThatThrownBy(() -> namespace(512, 1).format(4096)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void erasedItReadsZeroAndTellsItsProgress() {
        var namespace = namespace(512, BLOCKS);
        if (isRefused(namespace)) {
            return;
        }
        assumeTrue(namespace.shape().keepsData(), "keeps no data");
        var before = namespace.open(reactor);
        assertThat(run(before, TestRequest.blocks(NvmOpcode.WRITE, 3, 1).with(filled(512))))
                .isZero();
        before.close();
        var told = new ArrayList<Long>();

        boolean done = namespace.erase(new Namespace.Erasure(2, 0x1234_5678, true), (bytes, of) -> {
            told.add(bytes);
            assertThat(of).isEqualTo(3L * BLOCKS * 512);
            return true;
        });

        assertThat(done).isTrue();
        assertThat(told).isSorted().endsWith(3L * BLOCKS * 512);
        assertThat(read(session(namespace), 0, BLOCKS, 512)).containsOnly(0);
    }

    private boolean isRefused(Namespace namespace) {
        if (!isFormatted()) {
            assertThatThrownBy(() -> namespace.format(4096)).isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> namespace.erase(Namespace.Erasure.DISCARD, (done, of) -> true))
                    .isInstanceOf(UnsupportedOperationException.class);
        }
        return !isFormatted();
    }

    @Test
    void anErasureIsStoppedByWhomItTells() {
        var namespace = namespace(512, BLOCKS);

        assertThat(isFormatted() && namespace.erase(Namespace.Erasure.DISCARD, (done, of) -> false))
                .isFalse();
        assertThat(namespace.scan((done, of) -> false)).isFalse();
        assertThat(namespace.scan((done, of) -> true)).isTrue();
    }

    private static byte[] filled(int bytes) {
        var data = new byte[bytes];
        Arrays.fill(data, (byte) 0x5A);
        return data;
    }
}
