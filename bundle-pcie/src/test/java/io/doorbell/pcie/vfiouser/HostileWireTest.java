package io.doorbell.pcie.vfiouser;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciException;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.platform.Descriptor;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.SharedMemory;
import io.doorbell.platform.UnixListener;
import io.doorbell.platform.UnixSocket;
import io.doorbell.vfiouser.DeviceDirectory;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A wire between our client and our server that changes what goes over it, in both directions, whatever it is: bytes of headers and of payloads,
 * messages that come twice, not at all, in part or with others in front; descriptors that are missing, of another kind, of a file that is too short,
 * or too many. Some hundred changes by default, {@code -Ddoorbell.fuzz=N} if asked. Each session ends in a message at worst; nothing stays behind.
 */
@Timeout(7200)
class HostileWireTest {
    private static final long CHANGES = Long.getLong("doorbell.fuzz", 300);

    /** A lost message costs as much. */
    private static final Duration ANSWER_BOUND = Duration.ofMillis(30);

    private static final Duration SESSION_BOUND = Duration.ofSeconds(20);
    private static final Duration QUIET_BOUND = Duration.ofSeconds(10);
    private static final PcieOptions OPTIONS = PcieOptions.DEFAULTS
            .withTimeouts(Duration.ofMillis(200), Duration.ofMillis(200))
            .withReadyTimeout(Duration.ofMillis(500));

    @TempDir
    Path directory;

    private final AtomicLong changes = new AtomicLong();

    @Test
    void isAMessageAtWorst() throws Exception {
        int mapped = ProcessState.mappings("doorbell-dma");
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("hostile wire: -Ddoorbell.seed=" + seed);
        var seeds = new Random(seed);
        int sessions = 0;
        int refused = 0;
        try (var device = new DeviceRig(directory.resolve("device"));
                var strays = new Strays(directory)) {
            int open = ProcessState.openDescriptors();
            var before = ProcessState.descriptors();
            while (changes.get() < CHANGES) {
                long session = seeds.nextLong();
                long start = System.nanoTime();
                try (var _ = new Wire(new Random(session), 0.3 * seeds.nextDouble(), strays)) {
                    use(ANSWER_BOUND, OPTIONS, seeds.nextInt(3) == 0);
                } catch (PciException | NvmeException told) {
                    assertThat(told.getMessage()).isNotBlank();
                    refused++;
                } catch (RuntimeException | Error defect) {
                    throw new AssertionError("session " + sessions + ", seed " + session, defect);
                }
                ProcessState.await(() -> !device.server.hasClient());
                assertThat(Duration.ofNanos(System.nanoTime() - start))
                        .as("session %d, seed %d", sessions, session)
                        .isLessThan(SESSION_BOUND);
                sessions++;
            }
            ProcessState.await(() -> ProcessState.mappings("doorbell-dma") <= mapped);
            try {
                ProcessState.await(() -> ProcessState.openDescriptors() <= open);
            } catch (AssertionError late) {
                assertThat(ProcessState.descriptors()).as("descriptors").isEqualTo(before);
            }

            try (var _ = new Wire(new Random(0), 0, strays)) {
                use(QUIET_BOUND, PcieOptions.DEFAULTS, true);
            }
        }
        System.out.println(
                "hostile wire: " + changes + " changes in " + sessions + " sessions, " + refused + " refused");
        assertThat(refused).isBetween(1, sessions);
    }

    /** What a driver does, or at least the beginning of it. */
    private void use(Duration answerBound, PcieOptions options, boolean whole) {
        try (var function = VfioUserFunction.connect(directory.resolve("wire"), answerBound)) {
            if (whole) {
                PcieController.open(function, options).close();
                return;
            }
            try (var access = function.open("test")) {
                for (int i = 0; i < 6; i++) {
                    access.readRegister64(Registers.CAP);
                    access.writeRegister32(Registers.AQA, i);
                    store(access.doorbells(), i);
                    access.doorbellStored();
                    access.allocate(4096L << 2 * i).close();
                }
            }
        }
    }

    private static void store(MemorySegment doorbells, int value) {
        try {
            doorbells.set(JAVA_INT, doorbells.byteSize() - Integer.BYTES & -4, value);
        } catch (InternalError pagesGone) {
            // SIGBUS, as whoever stores to memory of a peer has to expect.
        }
    }

    /** Descriptors of what nobody should be sent, and files of the wrong size. */
    private static final class Strays implements AutoCloseable {
        private final EventFd sign = EventFd.create();
        private final SharedMemory small = SharedMemory.create("stray", 4096, MappingOptions.ORDINARY);
        private final Descriptor nothing;

        /** Long enough when it is mapped, and empty soon after that, and so on. */
        private final Descriptor shortened;

        private final RandomAccessFile file;
        private final Thread shortener;
        private volatile boolean closed;

        Strays(Path directory) throws IOException {
            Files.createDirectories(directory.resolve("wire"));
            var path = directory.resolve("shortened");
            file = new RandomAccessFile(path.toFile(), "rw");
            shortened = passed(path);
            try (var _ = new RandomAccessFile("/dev/null", "rw")) {
                nothing = passed(Path.of("/dev/null"));
            }
            shortener = Thread.ofPlatform().daemon().start(this::run);
        }

        private void run() {
            try {
                while (!closed) {
                    file.setLength(1 << 20);
                    Thread.sleep(2);
                    file.setLength(0);
                    Thread.sleep(1);
                }
            } catch (IOException | InterruptedException end) {
                // The file is closed.
            }
        }

        /** What this process has open, as a peer gets it. */
        private static Descriptor passed(Path file) throws IOException {
            var ends = UnixSocket.pair();
            try (var descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"));
                    var one = ends.get(0);
                    var other = ends.get(1)) {
                for (var descriptor : descriptors) {
                    if (leadsTo(descriptor, file)) {
                        var received = new ArrayList<Descriptor>();
                        int fd = Integer.parseInt(descriptor.getFileName().toString());
                        one.send(MemorySegment.ofArray(new byte[1]), QUIET_BOUND.toNanos(), fd);
                        other.receive(MemorySegment.ofArray(new byte[1]), received, QUIET_BOUND.toNanos());
                        return received.getFirst();
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

        int any(Random random) {
            return switch (random.nextInt(4)) {
                case 0 -> sign.fd();
                case 1 -> small.fd();
                case 2 -> shortened.fd();
                default -> nothing.fd();
            };
        }

        @Override
        public void close() {
            closed = true;
            sign.close();
            small.close();
            nothing.close();
            shortened.close();
            try {
                shortener.join();
                file.close();
            } catch (IOException | InterruptedException end) {
                throw new AssertionError(end);
            }
        }
    }

    /** One session. */
    private final class Wire implements AutoCloseable {
        private static final int CHUNK_BYTES = 64 << 10;

        private final Random random;
        private final double chance;
        private final Strays strays;
        private final UnixListener listener;
        private final Thread acceptor;

        Wire(Random random, double chance, Strays strays) {
            this.random = random;
            this.chance = chance;
            this.strays = strays;
            listener = UnixListener.listen(directory.resolve("wire").resolve(DeviceDirectory.SOCKET), 1);
            acceptor = Thread.ofPlatform().daemon().start(this::run);
        }

        private void run() {
            try (var client = listener.accept(Long.MAX_VALUE);
                    var device = UnixSocket.connect(
                            directory.resolve("device").resolve(DeviceDirectory.SOCKET), QUIET_BOUND)) {
                var back = Thread.ofPlatform().daemon().start(() -> pump(device, client));
                pump(client, device);
                back.join();
            } catch (IllegalStateException | InterruptedException closed) {
                // Nobody came.
            }
        }

        private void pump(UnixSocket from, UnixSocket to) {
            var descriptors = new ArrayList<Descriptor>();
            try {
                var buffer = MemorySegment.ofArray(new byte[CHUNK_BYTES]);
                while (true) {
                    int count = from.receive(buffer, descriptors, Long.MAX_VALUE);
                    if (count == UnixSocket.END) {
                        break;
                    }
                    pass(to, buffer.asSlice(0, count).toArray(JAVA_BYTE), descriptors);
                    Descriptor.closeAll(descriptors);
                    descriptors.clear();
                }
            } catch (PlatformException | IllegalStateException broken) {
                // One of the ends has had enough.
            } finally {
                Descriptor.closeAll(descriptors);
                shutdown(from);
                shutdown(to);
            }
        }

        private static void shutdown(UnixSocket socket) {
            try {
                socket.shutdown();
            } catch (PlatformException | IllegalStateException already) {
                // It has ended.
            }
        }

        private void pass(UnixSocket to, byte[] bytes, List<Descriptor> descriptors) {
            var numbers =
                    new ArrayList<>(descriptors.stream().map(Descriptor::fd).toList());
            byte[] sent = bytes;
            boolean twice = false;
            synchronized (random) {
                if (random.nextDouble() < chance) {
                    changes.incrementAndGet();
                    switch (random.nextInt(9)) {
                        case 0 -> sent = new byte[0];
                        case 1 -> sent = java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length));
                        case 2 -> twice = true;
                        case 3 -> {
                            sent = new byte[bytes.length + 1 + random.nextInt(40)];
                            random.nextBytes(sent);
                            System.arraycopy(bytes, 0, sent, sent.length - bytes.length, bytes.length);
                        }
                        case 4 -> changeDescriptors(numbers);
                        case 5 -> change(sent, Math.min(16, sent.length));
                        default -> change(sent, sent.length);
                    }
                }
            }
            int[] with = numbers.stream().mapToInt(Integer::intValue).toArray();
            for (int times = twice ? 2 : 1; times > 0 && sent.length > 0; times--) {
                to.send(MemorySegment.ofArray(sent), QUIET_BOUND.toNanos(), with);
            }
        }

        private void change(byte[] bytes, int within) {
            for (int i = 1 + random.nextInt(4); i > 0; i--) {
                int at = random.nextInt(within);
                bytes[at] = switch (random.nextInt(4)) {
                    case 0 -> 0;
                    case 1 -> -1;
                    case 2 -> (byte) (bytes[at] ^ 1 << random.nextInt(8));
                    default -> (byte) random.nextInt();
                };
            }
        }

        private void changeDescriptors(List<Integer> numbers) {
            if (!numbers.isEmpty() && random.nextInt(3) > 0) {
                int at = random.nextInt(numbers.size());
                if (random.nextBoolean()) {
                    numbers.set(at, strays.any(random));
                } else {
                    numbers.remove(at);
                }
                return;
            }
            for (int i = 1 + random.nextInt(UnixSocket.MAX_DESCRIPTORS);
                    i > 0 && numbers.size() < UnixSocket.MAX_DESCRIPTORS;
                    i--) {
                numbers.add(strays.any(random));
            }
        }

        @Override
        public void close() {
            listener.close();
            try {
                assertThat(acceptor.join(SESSION_BOUND)).as("the wire ends").isTrue();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
