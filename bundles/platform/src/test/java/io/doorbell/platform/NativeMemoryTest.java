package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NativeMemoryTest {
    private static final long LARGE_BYTES = 2 * Machine.HUGE_PAGE_BYTES + 12_345;

    @Test
    void givesZeroedMemoryOfTheBytesAskedFor() {
        try (var memory = NativeMemory.allocate(5_000)) {
            assertThat(memory.segment().byteSize()).isEqualTo(5_000);
            assertThat(memory.mappedBytes()).isEqualTo(8_192);
            assertThat(memory.segment().toArray(JAVA_BYTE)).containsOnly(0);
            memory.segment().fill((byte) 0x5a);
            assertThat(memory.segment().get(JAVA_BYTE, 4_999)).isEqualTo((byte) 0x5a);
            assertThatThrownBy(() -> memory.segment().get(JAVA_BYTE, 5_000))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void alignsToPages() {
        try (var memory = NativeMemory.allocate(1, MappingOptions.ORDINARY)) {
            assertThat(memory.segment().address() % Machine.PAGE_BYTES).isZero();
            assertThat(memory.pageBytes()).isEqualTo(Machine.PAGE_BYTES);
            assertThat(memory.backing()).isEqualTo(Backing.ORDINARY_PAGES);
        }
    }

    @Test
    void alignsLargeMemoryToHugePagesWhateverItIsMadeOf() {
        for (var options : new MappingOptions[] {
            MappingOptions.RESIDENT, MappingOptions.ORDINARY, MappingOptions.SPARSE, MappingOptions.RESIDENT
        }) {
            try (var memory = NativeMemory.allocate(LARGE_BYTES, options)) {
                assertThat(memory.segment().address() % Machine.HUGE_PAGE_BYTES).isZero();
                memory.segment().set(JAVA_BYTE, LARGE_BYTES - 1, (byte) 1);
            }
        }
    }

    @Test
    void growsWhereItIs() {
        for (var options : new MappingOptions[] {
            MappingOptions.SPARSE, new MappingOptions(HugePages.ADVISED, true), MappingOptions.ORDINARY
        }) {
            try (var memory = NativeMemory.allocateGrowing(5_000, LARGE_BYTES, options)) {
                var before = memory.segment();
                before.fill((byte) 7);

                memory.grow(LARGE_BYTES);

                var after = memory.segment();
                assertThat(after.address()).isEqualTo(before.address());
                assertThat(after.byteSize()).isEqualTo(LARGE_BYTES);
                assertThat(before.byteSize()).isEqualTo(5_000);
                assertThat(after.get(JAVA_BYTE, 4_999)).isEqualTo((byte) 7);
                assertThat(after.asSlice(5_000).toArray(JAVA_BYTE)).containsOnly(0);
                after.set(JAVA_BYTE, LARGE_BYTES - 1, (byte) 1);
                memory.grow(100); // Has more.
                assertThat(memory.segment().byteSize()).isEqualTo(LARGE_BYTES);
                assertThatThrownBy(() -> memory.grow(memory.mostBytes() + 1))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("made to grow to");
            }
        }
    }

    @Test
    void growingMemoryIsGoneWhenItIsClosed() {
        var memory = NativeMemory.allocateGrowing(5_000, LARGE_BYTES, MappingOptions.SPARSE);
        memory.grow(10_000);
        var segment = memory.segment();

        memory.close();

        assertThatThrownBy(() -> segment.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void discardsWholePagesAndTheEdgesAroundThem() {
        try (var memory = NativeMemory.allocate(8 * Machine.PAGE_BYTES, MappingOptions.SPARSE)) {
            memory.segment().fill((byte) 7);

            memory.discard(100, 3 * Machine.PAGE_BYTES);
            memory.discard(5 * Machine.PAGE_BYTES + 1, 10);

            var expected = new byte[(int) (8 * Machine.PAGE_BYTES)];
            Arrays.fill(expected, (byte) 7);
            Arrays.fill(expected, 100, 100 + (int) (3 * Machine.PAGE_BYTES), (byte) 0);
            int inner = (int) (5 * Machine.PAGE_BYTES + 1);
            Arrays.fill(expected, inner, inner + 10, (byte) 0);
            assertThat(memory.segment().toArray(JAVA_BYTE)).isEqualTo(expected);
        }
    }

    @Test
    void discardStaysInsideTheMemory() {
        try (var memory = NativeMemory.allocate(2 * Machine.PAGE_BYTES, MappingOptions.SPARSE)) {
            assertThatThrownBy(() -> memory.discard(Machine.PAGE_BYTES, 2 * Machine.PAGE_BYTES))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void sparseMemoryMayBeLargerThanTheMachine() {
        try (var memory = NativeMemory.allocate(NativeMemory.MAX_BYTES, MappingOptions.SPARSE)) {
            memory.segment().set(JAVA_BYTE, NativeMemory.MAX_BYTES - 1, (byte) 1);

            assertThat(memory.segment().get(JAVA_BYTE, NativeMemory.MAX_BYTES - 1))
                    .isEqualTo((byte) 1);
            assertThat(memory.segment().get(JAVA_BYTE, NativeMemory.MAX_BYTES / 2))
                    .isZero();
        }
    }

    @Test
    void tellsWhichPagesItGot() {
        try (var memory = NativeMemory.allocate(LARGE_BYTES)) {
            if (memory.backing() == Backing.HUGE_PAGES) {
                assertThat(memory.pageBytes()).isEqualTo(Machine.HUGE_PAGE_BYTES);
                assertThat(memory.mappedBytes()).isEqualTo(3 * Machine.HUGE_PAGE_BYTES);
            } else {
                assertThat(memory.backing())
                        .isEqualTo(Machine.advisesHugePages() ? Backing.ADVISED_PAGES : Backing.ORDINARY_PAGES);
                assertThat(memory.pageBytes()).isEqualTo(Machine.PAGE_BYTES);
            }
        }
    }

    @Test
    void neverMeansThatNoHugePageIsTakenOrAskedFor() {
        try (var memory = NativeMemory.allocate(LARGE_BYTES, MappingOptions.ORDINARY)) {
            assertThat(memory.backing()).isEqualTo(Backing.ORDINARY_PAGES);
        }
    }

    @Test
    void requiredHugePagesComeOrTheMessageSaysHowToReserveThem() {
        var required = new MappingOptions(HugePages.REQUIRED, true);
        long bytes = (Machine.totalHugePages() + 1) * Machine.HUGE_PAGE_BYTES;

        var refused = catchThrowableOfType(PlatformException.class, () -> NativeMemory.allocate(bytes, required));

        assertThat(refused.errno()).isEqualTo(Errno.ENOMEM);
        assertThat(refused)
                .hasMessageContainingAll("mmap", "ENOMEM", "Cannot allocate memory", "/proc/sys/vm/nr_hugepages");
    }

    @Test
    void accessAfterCloseThrows() {
        var memory = NativeMemory.allocate(4_096);
        var segment = memory.segment();
        memory.close();

        assertThatThrownBy(() -> segment.get(JAVA_LONG, 0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> segment.asSlice(64, 64).set(JAVA_LONG, 0, 1L))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void closesTwice() {
        var memory = NativeMemory.allocate(4_096);
        memory.close();
        memory.close();

        assertThat(memory.segment().scope().isAlive()).isFalse();
    }

    @Test
    void closeGivesTheAddressesBack() throws Exception {
        var memory = NativeMemory.allocate(LARGE_BYTES);
        long first = memory.segment().address();
        long last = first + memory.mappedBytes();
        assertThat(mappedBytesBetween(first, last)).isEqualTo(memory.mappedBytes());

        memory.close();

        // Not zero: the JVM may have taken a part of the gap since.
        assertThat(mappedBytesBetween(first, last)).isLessThan(last - first);
        assertThat(Mapping.retain(first))
                .as("a mapping that may be someone else's by now")
                .isNull();
    }

    @Test
    void aligningLeavesNoReservationBehind() throws Exception {
        long leastGrowth = Long.MAX_VALUE;
        // The JVM reserves for itself meanwhile (64 MiB for the heap of a new thread), but not in every round.
        for (int round = 0; round < 3; round++) {
            long before = reservedBytes();
            for (int i = 0; i < 64; i++) {
                // A neighbour of one page more each time, so that the reservations start at different distances from 2
                // MiB.
                try (var neighbour = NativeMemory.allocate(Machine.PAGE_BYTES * (i + 1), MappingOptions.SPARSE)) {
                    NativeMemory.allocate(LARGE_BYTES, MappingOptions.SPARSE).close();
                    assertThat(neighbour.segment().get(JAVA_BYTE, 0)).isZero();
                }
            }
            leastGrowth = Math.min(leastGrowth, reservedBytes() - before);
        }

        assertThat(leastGrowth).isLessThan(Machine.HUGE_PAGE_BYTES);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, NativeMemory.MAX_BYTES + 1})
    void refusesASizeThatIsNone(long bytes) {
        assertThatThrownBy(() -> NativeMemory.allocate(bytes))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cannot map " + bytes + " bytes");
    }

    @Test
    void refusesMoreThanTheMachineHasBeforeTheKernelKillsForIt() {
        assertThatThrownBy(() -> NativeMemory.allocate(NativeMemory.MAX_BYTES))
                .isInstanceOf(PlatformException.class)
                .hasMessageContainingAll("ENOMEM", "are available on this machine");
    }

    @Test
    void closeIsRefusedWhileAViewIsOpen() {
        try (var memory = NativeMemory.allocate(4_096)) {
            var lease = Arena.ofShared();
            MemoryView.within(memory.segment().asSlice(64, 64), lease);

            assertThatThrownBy(memory::close)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("1 view(s)");
            assertThat(memory.segment().get(JAVA_LONG, 0)).isZero();

            lease.close();
        }
    }

    private static long mappedBytesBetween(long first, long end) throws Exception {
        return ranges("")
                .mapToLong(range -> Math.max(0, Math.min(end, range[1]) - Math.max(first, range[0])))
                .sum();
    }

    private static long reservedBytes() throws Exception {
        return ranges(" ---p ").mapToLong(range -> range[1] - range[0]).sum();
    }

    /** First address and end of each mapping of this process whose line contains {@code text}. */
    private static Stream<long[]> ranges(String text) throws Exception {
        return Files.readAllLines(Path.of("/proc/self/maps")).stream()
                .filter(line -> line.contains(text))
                .filter(line -> !line.endsWith("[vsyscall]")) // the kernel's own, at an address beyond long
                .map(line -> line.substring(0, line.indexOf(' ')).split("-"))
                .map(range -> new long[] {Long.parseLong(range[0], 16), Long.parseLong(range[1], 16)});
    }
}
