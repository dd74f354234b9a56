package io.doorbell.backends;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.ResizableNamespaceContract;
import io.doorbell.storage.TestRequest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileNamespaceTest extends ResizableNamespaceContract {
    private static final long MIB = 1 << 20;

    @TempDir
    Path directory;

    private int made;

    @Override
    protected Namespace make(BlockFormat format, long blockCount) {
        return open("made-" + made++ + ".img", format.blockBytes() * blockCount, format);
    }

    private Namespace open(String name, long bytes, BlockFormat format) {
        return new FileBackend(directory, 2).open(new NamespaceSpec("file", bytes, format, name));
    }

    private Namespace open(String name, long bytes, int blockBytes) {
        return open(name, bytes, BlockFormat.of(blockBytes));
    }

    @Test
    void metadataAndFormatSurviveAReopeningAndAnotherFormatIsRefused() {
        var format = BlockFormat.parse("4096+64/pi3/first");
        try (var namespace = open("m.img", MIB, format);
                var session = namespace.open(reactor())) {
            write(session, 3, pattern(4160, 1), 4160);
        }

        try (var namespace = open("m.img", MIB, format);
                var session = namespace.open(reactor())) {
            assertThat(namespace.shape().format()).isEqualTo(format);
            assertThat(read(session, 3, 1, 4160)).isEqualTo(pattern(4160, 1));
        }
        assertThatThrownBy(() -> open("m.img", MIB, BlockFormat.parse("4096+64/pi2/first")))
                .hasMessageContaining("4096+64/pi3/first");
    }

    @Test
    void dataSizeAndIdentitySurviveAReopening() {
        UUID uuid;
        try (var namespace = open("a.img", MIB, 4096)) {
            uuid = namespace.shape().uuid();
            var session = namespace.open(reactor());
            write(session, 3, pattern(4096, 1), 4096);
            session.close();
        }

        try (var namespace = open("a.img", MIB, 4096)) {
            assertThat(namespace.shape().uuid()).isEqualTo(uuid);
            assertThat(namespace.shape().blockCount()).isEqualTo(MIB / 4096);
            var session = namespace.open(reactor());
            assertThat(read(session, 3, 1, 4096)).isEqualTo(pattern(4096, 1));
            session.close();
        }
    }

    @Test
    void isItsOwnersAloneUnlessAnOperatorHasSaidOtherwise() throws IOException {
        open("private.img", MIB, 4096).close();
        assertThat(Files.getPosixFilePermissions(directory.resolve("private.img")))
                .isEqualTo(PosixFilePermissions.fromString("rw-------"));

        var forGroup = PosixFilePermissions.fromString("rw-r-----");
        Files.setPosixFilePermissions(directory.resolve("private.img"), forGroup);
        open("private.img", MIB, 4096).close();
        assertThat(Files.getPosixFilePermissions(directory.resolve("private.img")))
                .isEqualTo(forGroup);
    }

    @Test
    void isSparseAndGivesDeallocatedSpaceBack() throws IOException {
        var namespace = open("sparse.img", 1L << 30, 4096);
        var session = namespace.open(reactor());
        long empty = diskBytes("sparse.img");
        write(session, 1000, new byte[(int) (4 * MIB)], 4096);
        run(session, TestRequest.blocks(NvmOpcode.FLUSH, 0, 1));
        long full = diskBytes("sparse.img");

        run(session, TestRequest.datasetManagement(true, new long[] {1000, 1024}));
        run(session, TestRequest.blocks(NvmOpcode.FLUSH, 0, 1));
        long after = diskBytes("sparse.img");
        session.close();
        namespace.close();

        assertThat(Files.size(directory.resolve("sparse.img"))).isEqualTo(1L << 30);
        assertThat(empty).isLessThan(MIB);
        assertThat(full).isGreaterThanOrEqualTo(4 * MIB);
        assertThat(after).isLessThan(MIB);
    }

    private long diskBytes(String name) throws IOException {
        // "unix:blocks" is no attribute of the JDK, and stat counts in 512 bytes.
        var process =
                new ProcessBuilder("stat", "-c", "%b", directory.resolve(name).toString()).start();
        try (var reader = process.inputReader()) {
            return Long.parseLong(reader.readLine().trim()) * 512;
        }
    }

    @Test
    void saysWhichBlocksTheFileHasWhenOthersAreConfigured() {
        open("size.img", MIB, 512).close();

        assertThatThrownBy(() -> open("size.img", MIB, 4096))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("blocks of 512");
        open("size.img", MIB, 512).close();
    }

    @Test
    void theBlockSizeThatAHostFormattedItToCountsAfterARestart() throws IOException {
        try (var namespace = open("formatted.img", MIB, 512)) {
            namespace.format(4096);
        }

        try (var namespace = open("formatted.img", MIB, 512)) {
            assertThat(namespace.shape().blockBytes()).isEqualTo(4096);
            assertThat(namespace.shape().blockCount()).isEqualTo(256);
        }
        assertThat(Files.size(directory.resolve("formatted.img"))).isEqualTo(MIB);
    }

    @Test
    void anOverwriteReachesTheFileInTheOrderOfItsPatterns() throws IOException {
        var seen = new StringBuilder();
        var file = directory.resolve("erased.img");
        try (var namespace = open("erased.img", MIB, 512)) {
            namespace.erase(new Namespace.Erasure(2, 0x0102_0304, true), (done, of) -> {
                if (done % MIB == 0) {
                    seen.append(firstByteOf(file)).append(' ');
                }
                return true;
            });
        }

        assertThat(seen).hasToString("-5 4 0 ");
    }

    private static byte firstByteOf(Path file) {
        try (var in = Files.newInputStream(file)) {
            return (byte) in.read();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void noTwoNamespacesHaveOneFile() {
        try (var first = open("one.img", MIB, 512)) {
            assertThat(first.shape().blockBytes()).isEqualTo(512);
            for (int attempt = 0; attempt < 2; attempt++) {
                assertThatThrownBy(() -> open("one.img", MIB, 512))
                        .isInstanceOf(UncheckedIOException.class)
                        .hasMessageContaining("one.img")
                        .hasMessageContaining("in use");
            }
        }
        open("one.img", MIB, 512).close();
    }

    @Test
    void finishesAMakingThatWasInterrupted() throws IOException {
        Path path = directory.resolve("torn.img");
        new FileIdentity(UUID.randomUUID(), MIB, BlockFormat.of(512), FileIdentity.State.MAKING).write(path);
        Files.write(path, new byte[1000]);

        try (var namespace = open("torn.img", 2 * MIB, 4096)) {
            var session = namespace.open(reactor());
            assertThat(namespace.shape().byteSize()).isEqualTo(2 * MIB);
            assertThat(read(session, 0, 512, 4096)).containsOnly(0);
            session.close();
        }
    }

    /** As a node leaves it that is killed in the middle of a Format: who has reservations of it finds them by its UUID. */
    @Test
    void isTheSameNamespaceAfterAFormatThatWasInterrupted() throws IOException {
        Path path = directory.resolve("formatted.img");
        UUID uuid;
        try (var namespace = open("formatted.img", MIB, 512)) {
            namespace.format(BlockFormat.of(4096));
            uuid = namespace.shape().uuid();
        }
        FileIdentity.read(path).orElseThrow().in(FileIdentity.State.MAKING).write(path);
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(0);
        }

        try (var namespace = open("formatted.img", MIB, 512)) {
            assertThat(namespace.shape().uuid()).isEqualTo(uuid);
            assertThat(namespace.shape().blockBytes()).isEqualTo(512);
        }
    }

    @Test
    void theNewSizeSurvivesAReopeningWhateverIsAskedFor() {
        try (var namespace = open("r.img", MIB, 512);
                var session = namespace.open(reactor())) {
            write(session, 0, pattern(512, 1), 512);
            namespace.resize(2 * MIB);
        }

        try (var namespace = open("r.img", MIB, 512);
                var session = namespace.open(reactor())) {
            assertThat(namespace.shape().byteSize()).isEqualTo(2 * MIB);
            assertThat(read(session, 0, 1, 512)).isEqualTo(pattern(512, 1));
        }
        assertThat(directory.resolve("r.img")).hasSize(2 * MIB);
    }

    @ParameterizedTest
    @ValueSource(longs = {MIB / 2, MIB, 3 * MIB})
    void finishesAResizingThatWasInterrupted(long interruptedAtBytes) throws IOException {
        for (long to : new long[] {MIB / 2, 3 * MIB}) {
            String name = "i" + to + ".img";
            Path path = directory.resolve(name);
            try (var namespace = open(name, MIB, 512);
                    var session = namespace.open(reactor())) {
                write(session, 0, pattern(512, 1), 512);
            }
            FileIdentity.read(path).orElseThrow().resizing(to).write(path);
            try (var file = new RandomAccessFile(path.toFile(), "rw")) {
                file.setLength(interruptedAtBytes);
            }

            try (var namespace = open(name, MIB, 512);
                    var session = namespace.open(reactor())) {
                assertThat(namespace.shape().byteSize()).isEqualTo(to);
                assertThat(read(session, 0, 1, 512)).isEqualTo(pattern(512, 1));
            }
            assertThat(path).hasSize(to);
            assertThat(FileIdentity.read(path).orElseThrow().resizing()).isZero();
        }
    }

    @Test
    void leavesAFileAloneThatIsNotOurs() throws IOException {
        Path path = directory.resolve("foreign.img");
        Files.write(path, pattern((int) MIB, 1));

        assertThatThrownBy(() -> open("foreign.img", MIB, 512))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("foreign.img.namespace");

        assertThat(Files.readAllBytes(path)).isEqualTo(pattern((int) MIB, 1));
    }

    @Test
    void noticesADamagedIdentityAndACutFile() throws IOException {
        open("damaged.img", MIB, 512).close();
        open("cut.img", MIB, 512).close();
        Path identity = FileIdentity.beside(directory.resolve("damaged.img"));
        Files.writeString(identity, Files.readString(identity).replace("blockBytes=512", "blockBytes=4096"));
        try (var file = new RandomAccessFile(directory.resolve("cut.img").toFile(), "rw")) {
            file.setLength(1000);
        }

        assertThatThrownBy(() -> open("damaged.img", MIB, 4096))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("is damaged");
        assertThatThrownBy(() -> open("cut.img", MIB, 512))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("it has 1000 bytes");
    }

    @Test
    void aFileCutShortUnderWayIsAReadError() throws IOException {
        var namespace = open("short.img", MIB, 512);
        var session = namespace.open(reactor());
        try (var file = new RandomAccessFile(directory.resolve("short.img").toFile(), "rw")) {
            file.setLength(1024);
        }

        int status = run(session, TestRequest.blocks(NvmOpcode.READ, 2, 1).with(new byte[512]));
        session.close();
        namespace.close();

        assertThat(status).isEqualTo(Status.UNRECOVERED_READ_ERROR);
    }

    @Test
    void completesOnlyInPollAndWakesItsReactor() {
        var namespace = open("poll.img", MIB, 512);
        var session = namespace.open(reactor());
        var request = TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(new byte[512]);
        long before = reactor().wakes();

        int status = session.submit(request);
        Awaitility.await().atMost(60, TimeUnit.SECONDS).until(() -> reactor().wakes() > before);

        assertThat(status).isEqualTo(NvmRequest.PENDING);
        assertThat(request.completions()).isZero();
        assertThat(session.poll(0)).isEqualTo(1);
        assertThat(request.status()).isZero();
        session.close();
        namespace.close();
    }

    @Test
    void hostMemoryThatIsGoneIsATransferError() {
        var session = session(512, 8);
        var request = TestRequest.blocks(NvmOpcode.WRITE, 0, 1);
        try (var arena = Arena.ofShared()) {
            request.addPiece(arena.allocate(512), 0, 512);
        }

        assertThat(run(session, request)).isEqualTo(Status.DATA_TRANSFER_ERROR);
    }

    @Test
    void wantsAPath() {
        assertThatThrownBy(() -> open("", MIB, 512))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("needs a path");
    }
}
