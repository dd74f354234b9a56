package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An ordinary file stands for a device: Linux takes the pages of both away in the same manner. */
@Timeout(300)
class DeviceFileTest {
    private static final long FIONREAD = 0x541B;

    @TempDir
    private Path directory;

    private Path path;

    @BeforeEach
    void makeFile() throws IOException {
        path = Files.write(directory.resolve("bar"), new byte[8192]);
    }

    @Test
    void readsAndWritesAtAnOffset() {
        try (var file = DeviceFile.open(path);
                var arena = Arena.ofConfined()) {
            file.write(arena.allocateFrom(JAVA_INT, 0x1234_5678), 0x14);

            var read = arena.allocate(JAVA_INT);
            file.read(read, 0x14);
            assertThat(read.get(JAVA_INT, 0)).isEqualTo(0x1234_5678);
        }
    }

    @Test
    void refusesToReadBeyondTheEnd() {
        try (var file = DeviceFile.open(path);
                var arena = Arena.ofConfined()) {
            assertThatThrownBy(() -> file.read(arena.allocate(8), 8188))
                    .isInstanceOf(PlatformException.class)
                    .hasMessageContaining("4 of 8 bytes");
        }
    }

    @Test
    void saysWhichRequestWasRefusedAndWhy() {
        try (var file = DeviceFile.open(Path.of("/dev/null"))) {
            assertThatThrownBy(() -> file.ioctl("VFIO_GET_API_VERSION", 0x3B64, 0))
                    .isInstanceOfSatisfying(
                            PlatformException.class,
                            refused -> assertThat(refused.errno()).isEqualTo(25))
                    .hasMessageContaining("VFIO_GET_API_VERSION failed: ENOTTY")
                    .hasMessageContaining("/dev/null");
        }
    }

    @Test
    void passesStructuresToTheKernelAndBack() {
        try (var file = DeviceFile.open(path);
                var arena = Arena.ofConfined()) {
            var answer = arena.allocate(JAVA_INT);

            file.ioctl("FIONREAD", FIONREAD, answer);

            assertThat(answer.get(JAVA_INT, 0)).isEqualTo(8192);
        }
    }

    @Test
    void passesNoStructureThatTellsMoreBytesThanItHas() {
        try (var file = DeviceFile.open(path);
                var arena = Arena.ofConfined()) {
            var argument = arena.allocateFrom(JAVA_INT, 9, 0);

            assertThatThrownBy(() -> file.ioctl("VFIO_DEVICE_GET_INFO", 0x3B6B, argument))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("8 bytes");
        }
    }

    /** A disk with a file system that is mounted, where there is one that may be opened. */
    @Test
    void aMountedBlockDeviceIsClaimed() throws IOException {
        var disk = Files.readAllLines(Path.of("/proc/self/mounts")).stream()
                .map(line -> Path.of(line.split(" ")[0]))
                .filter(device -> device.startsWith("/dev/") && canBeOpened(device))
                .findFirst();
        assumeTrue(disk.isPresent(), "no disk that may be opened");

        assertThat(DeviceFile.isClaimed(disk.get())).isTrue();
    }

    private static boolean canBeOpened(Path device) {
        try (var _ = Files.newInputStream(device)) {
            return true;
        } catch (IOException forbidden) {
            return false;
        }
    }

    @Test
    void whatIsNoBlockDeviceOrNotThereIsNotClaimed() {
        assertThat(DeviceFile.isClaimed(Path.of("/dev/null"))).isFalse();
        assertThat(DeviceFile.isClaimed(path)).isFalse();
        assertThat(DeviceFile.isClaimed(directory.resolve("missing"))).isFalse();
    }

    @Test
    void isOfNoUseAfterItsClose() {
        var file = DeviceFile.open(path);
        file.close();
        file.close();

        assertThatThrownBy(() -> file.ioctl("FIONREAD", FIONREAD, 0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> file.map(0, 4096)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void mapsWholePagesOnly() {
        try (var file = DeviceFile.open(path)) {
            assertThatThrownBy(() -> file.map(8, 4096)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> file.map(0, 4097)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> file.map(0, 0)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void mapsWhatTheFileShows() throws IOException {
        try (var file = DeviceFile.open(path);
                var memory = file.map(4096, 4096)) {
            memory.segment().set(JAVA_LONG, 8, 4711);

            try (var other = new RandomAccessFile(path.toFile(), "r")) {
                other.seek(4104);
                assertThat(Long.reverseBytes(other.readLong())).isEqualTo(4711);
            }
        }
    }

    @Test
    void detachedMemoryIsOrdinaryMemoryForViewsThatAreOpen() throws IOException {
        try (var file = DeviceFile.open(path);
                var memory = file.map(0, 4096)) {
            try (var arena = Arena.ofShared()) {
                var view = MemoryView.within(memory.segment(), arena);
                view.set(JAVA_LONG, 0, 1);

                memory.detach();

                assertThat(view.get(JAVA_LONG, 0)).isZero();
                view.set(JAVA_LONG, 8, 2);
                assertThat(Files.readAllBytes(path)[8]).as("what the file has").isZero();
                assertThatThrownBy(memory::close).hasMessageContaining("view(s)");
            }
        }
    }

    /** What a driver lives through whose device has gone: the JVM stays, the fault is an error, and ends by detaching. */
    @Test
    void pagesThatWereTakenAwayAreAnErrorAndNoneAfterDetaching() throws IOException {
        try (var file = DeviceFile.open(path);
                var memory = file.map(4096, 4096)) {
            memory.segment().set(JAVA_INT, 0, 1);
            try (var other = new RandomAccessFile(path.toFile(), "rw")) {
                other.setLength(0);
            }

            assertThat(faults(memory.segment())).isTrue();

            memory.detach();
            assertThat(faults(memory.segment())).isFalse();
        }
    }

    private static boolean faults(MemorySegment memory) {
        try {
            // The error comes with the access or soon after it, at a place where the JVM can throw.
            for (int i = 0; i < 1_000; i++) {
                store(memory);
                Thread.onSpinWait();
            }
            return false;
        } catch (InternalError fault) {
            return true;
        }
    }

    private static void store(MemorySegment memory) {
        memory.set(JAVA_INT, 0, 5);
    }

    @Test
    void detachingAfterTheCloseDoesNothing() {
        try (var file = DeviceFile.open(path)) {
            var memory = file.map(0, 4096);
            memory.close();

            memory.detach();

            assertThat(memory.segment().scope().isAlive()).isFalse();
        }
    }
}
