package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class PeerMemoryTest {
    private static final long SECOND_NANOS = 1_000_000_000;

    @TempDir
    Path directory;

    @Test
    void showsThePartAskedForAndNoMore() {
        try (var memory = SharedMemory.create("dma", 16_384, MappingOptions.ORDINARY);
                var descriptor = passed(memory.fd());
                var peer = PeerMemory.map(descriptor, 4_104, 8)) {
            memory.segment().set(JAVA_LONG, 4_104, 99);

            assertThat(peer.segment().byteSize()).isEqualTo(8);
            assertThat(peer.segment().get(JAVA_LONG, 0)).isEqualTo(99);
            peer.segment().set(JAVA_LONG, 0, 100);
            assertThat(memory.segment().get(JAVA_LONG, 4_104)).isEqualTo(100);
        }
    }

    @Test
    void outlivesTheDescriptorAndTheOwnersMapping() {
        var memory = SharedMemory.create("dma", 4_096, MappingOptions.ORDINARY);
        memory.segment().set(JAVA_LONG, 0, 5);
        var descriptor = passed(memory.fd());

        try (var peer = PeerMemory.map(descriptor, 0, 4_096)) {
            descriptor.close();
            memory.close();

            assertThat(peer.segment().get(JAVA_LONG, 0)).isEqualTo(5);
        }
    }

    @Test
    void isNotUnmappedWhileAViewIsOpen() {
        try (var memory = SharedMemory.create("dma", 8_192, MappingOptions.ORDINARY);
                var descriptor = passed(memory.fd());
                var peer = PeerMemory.map(descriptor, 0, 8_192)) {
            try (var arena = Arena.ofShared()) {
                MemoryView.within(peer.segment().asSlice(4_096), arena);

                assertThatThrownBy(peer::close)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("1 view(s)");
            }
        }
    }

    @Test
    void refusesWhatTheFileHasNot() {
        try (var memory = SharedMemory.create("dma", 8_192, MappingOptions.ORDINARY);
                var descriptor = passed(memory.fd())) {
            assertThatThrownBy(() -> PeerMemory.map(descriptor, 4_096, 4_097))
                    .hasMessageContaining("file of 8192 bytes");
            assertThatThrownBy(() -> PeerMemory.map(descriptor, 8_192, 1)).isInstanceOf(PlatformException.class);
            assertThatThrownBy(() -> PeerMemory.map(descriptor, -4_096, 4_096)).isInstanceOf(PlatformException.class);
            assertThatThrownBy(() -> PeerMemory.map(descriptor, Long.MAX_VALUE, 4_096))
                    .isInstanceOf(PlatformException.class);
            assertThatThrownBy(() -> PeerMemory.map(descriptor, 0, Long.MAX_VALUE))
                    .isInstanceOf(PlatformException.class);
            assertThatThrownBy(() -> PeerMemory.map(descriptor, 0, 0)).isInstanceOf(PlatformException.class);
        }
    }

    @Test
    void refusesWhatIsNoFile() {
        try (var sign = EventFd.create();
                var descriptor = passed(sign.fd())) {
            assertThatThrownBy(() -> PeerMemory.map(descriptor, 0, 4_096))
                    .isInstanceOf(PlatformException.class)
                    .hasMessageContaining("not one of a file");
        }
    }

    @Test
    void refusesAFileThatMayOnlyBeRead() throws Exception {
        var file = Files.write(directory.resolve("read"), new byte[4_096]);
        try (var opened = new RandomAccessFile(file.toFile(), "r");
                var descriptor = passed(number(file))) {
            assertThat(opened.length()).isEqualTo(4_096);
            assertThatThrownBy(() -> PeerMemory.map(descriptor, 0, 4_096))
                    .isInstanceOf(PlatformException.class)
                    .hasMessageContaining("EACCES");
        }
    }

    @Test
    void aPeerCannotShortenAMemfdThatWeMapped() throws Exception {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            int fd = Libc.memfdCreate(errno, scratch.allocateFrom("open"), Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
            Libc.ftruncate(errno, fd, 8_192);
            try (var descriptor = passed(fd);
                    var peer = PeerMemory.map(descriptor, 0, 8_192)) {
                assertThat(Libc.ftruncate(errno, fd, 0)).isEqualTo(-Errno.EPERM);
                assertThat(Libc.ftruncate(errno, fd, 16_384)).as("it may grow").isZero();
                assertThat(peer.segment().get(JAVA_LONG, 4_096)).isZero();
            } finally {
                Libc.close(errno, fd);
            }
        }
    }

    @Test
    void anAccessToAFileThatWasShortenedIsAnErrorAndNotTheEndOfTheProcess() throws Exception {
        var file = Files.write(directory.resolve("shrinks"), new byte[8_192]);
        try (var opened = new RandomAccessFile(file.toFile(), "rw");
                var descriptor = passed(number(file));
                var peer = PeerMemory.map(descriptor, 0, 8_192)) {
            opened.setLength(0);

            assertThatThrownBy(() -> touch(peer.segment())).isInstanceOf(InternalError.class);
        }
    }

    /** The error comes with the access or soon after it, at a place where the JVM can throw. */
    private static void touch(MemorySegment segment) {
        for (int i = 0; i < 1_000; i++) {
            segment.set(JAVA_LONG, 4_096, i);
            Thread.onSpinWait();
        }
    }

    /** The number by which this process has the file open. */
    private static int number(Path file) throws IOException {
        try (var descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (var descriptor : descriptors) {
                if (leadsTo(descriptor, file)) {
                    return Integer.parseInt(descriptor.getFileName().toString());
                }
            }
        }
        throw new AssertionError(file + " is not open");
    }

    /** One that another thread closes while we look does not. */
    private static boolean leadsTo(Path descriptor, Path file) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).equals(file.toRealPath());
        } catch (NoSuchFileException closed) {
            return false;
        }
    }

    /** As a peer gets it. */
    private static Descriptor passed(int fd) {
        var ends = UnixSocket.pair();
        try (var one = ends.get(0);
                var other = ends.get(1)) {
            var received = new ArrayList<Descriptor>();
            one.send(MemorySegment.ofArray(new byte[1]), SECOND_NANOS, fd);
            other.receive(MemorySegment.ofArray(new byte[1]), received, SECOND_NANOS);
            return received.getFirst();
        }
    }
}
