package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SharedMemoryTest {
    @Test
    void whoMapsTheDescriptorSeesTheSameBytes() throws Exception {
        try (var memory = SharedMemory.create("doorbells", 8_192, MappingOptions.ORDINARY);
                var peer = open(memory);
                var arena = Arena.ofConfined()) {
            var peerSegment = peer.map(MapMode.READ_WRITE, 0, peer.size(), arena);

            memory.segment().set(JAVA_INT, 4_096, 17);
            peerSegment.set(JAVA_INT, 8, 4);

            assertThat(peerSegment.get(JAVA_INT, 4_096)).isEqualTo(17);
            assertThat(memory.segment().get(JAVA_INT, 8)).isEqualTo(4);
        }
    }

    @Test
    void aPeerCannotTruncateTheFileUnderUs() throws Exception {
        try (var memory = SharedMemory.create("sealed", 8_192, MappingOptions.ORDINARY);
                var peer = open(memory)) {
            assertThatThrownBy(() -> peer.truncate(0)).isInstanceOf(IOException.class);
            assertThat(peer.size()).isEqualTo(8_192);
            assertThat(memory.segment().get(JAVA_LONG, 4_096)).isZero();
        }
    }

    @Test
    void carriesItsNameAndRoundsUpToPages() throws Exception {
        try (var memory = SharedMemory.create("bar0", 5_000, MappingOptions.SPARSE)) {
            assertThat(Files.readSymbolicLink(descriptor(memory.fd())).toString())
                    .startsWith("/memfd:bar0");
            assertThat(memory.segment().byteSize()).isEqualTo(5_000);
            assertThat(memory.mappedBytes()).isEqualTo(8_192);
            assertThat(memory.pageBytes()).isEqualTo(Machine.PAGE_BYTES);
        }
    }

    @Test
    void alignsLargeMemoryToHugePages() {
        try (var memory = SharedMemory.create("dma", 3 * Machine.HUGE_PAGE_BYTES, MappingOptions.RESIDENT)) {
            assertThat(memory.segment().address() % Machine.HUGE_PAGE_BYTES).isZero();
            memory.segment().set(JAVA_LONG, 3 * Machine.HUGE_PAGE_BYTES - 8, 1L);
        }
    }

    @Test
    void requiredHugePagesComeOrTheMessageSaysHowToReserveThem() {
        var required = new MappingOptions(HugePages.REQUIRED, true);
        long bytes = (Machine.totalHugePages() + 1) * Machine.HUGE_PAGE_BYTES;

        assertThatThrownBy(() -> SharedMemory.create("huge", bytes, required))
                .isInstanceOf(PlatformException.class)
                .hasMessageContainingAll("ENOMEM", "/proc/sys/vm/nr_hugepages");
    }

    @Test
    void failedCreationLeavesNoDescriptor() throws Exception {
        var required = new MappingOptions(HugePages.REQUIRED, true);
        long bytes = (Machine.totalHugePages() + 1) * Machine.HUGE_PAGE_BYTES;

        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> SharedMemory.create("leaked", bytes, required))
                    .isInstanceOf(PlatformException.class);
        }

        try (var descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (var descriptor : descriptors) {
                assertThat(leadsTo(descriptor)).doesNotContain("memfd:leaked");
            }
        }
    }

    /** Nowhere, when another thread closes it while we look. */
    private static String leadsTo(Path descriptor) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (NoSuchFileException closed) {
            return "";
        }
    }

    @Test
    void closesMemoryAndDescriptorOnce() throws Exception {
        boolean again = false;
        // Linux gives the lowest free number; but another thread of this JVM may have been given it, or have left a
        // lower one.
        for (int round = 0; round < 1_000 && !again; round++) {
            var memory = SharedMemory.create("once", 4_096, MappingOptions.ORDINARY);
            int fd = memory.fd();
            var segment = memory.segment();
            memory.close();

            try (var next = SharedMemory.create("next", 4_096, MappingOptions.ORDINARY)) {
                again = next.fd() == fd;
                memory.close();

                assertThat(leadsTo(descriptor(next.fd()))).startsWith("/memfd:next");
            }
            assertThatThrownBy(() -> segment.get(JAVA_LONG, 0)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(memory::fd).isInstanceOf(IllegalStateException.class);
        }
        assertThat(again).as("the number was that of another").isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -4_096, NativeMemory.MAX_BYTES + 1})
    void refusesASizeThatIsNone(long bytes) {
        assertThatThrownBy(() -> SharedMemory.create("size", bytes, MappingOptions.SPARSE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cannot map " + bytes + " bytes");
    }

    @Test
    void refusesANameThatLinuxWouldNotTake() {
        assertThatThrownBy(() -> SharedMemory.create("a".repeat(250), 4_096, MappingOptions.ORDINARY))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SharedMemory.create("a\0b", 4_096, MappingOptions.ORDINARY))
                .isInstanceOf(IllegalArgumentException.class);
        SharedMemory.create("a".repeat(SharedMemory.MAX_NAME_BYTES), 4_096, MappingOptions.ORDINARY)
                .close();
    }

    private static FileChannel open(SharedMemory memory) throws IOException {
        return FileChannel.open(descriptor(memory.fd()), StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    private static Path descriptor(int fd) {
        return Path.of("/proc/self/fd/" + fd);
    }
}
