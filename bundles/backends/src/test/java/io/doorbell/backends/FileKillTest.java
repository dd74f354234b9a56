package io.doorbell.backends;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.reactor.HandReactor;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that writes is killed. What it was told to be durable must be there. (The page cache outlives a process, so
 * this tests what is acknowledged when, and that the file opens again; not the disk.)
 */
class FileKillTest {
    private static final int BLOCKS = 256;
    private static final int BLOCK_BYTES = 4096;
    private static final NamespaceSpec SPEC =
            new NamespaceSpec("file", (long) BLOCKS * BLOCK_BYTES, BLOCK_BYTES, "kill.img");

    @TempDir
    Path directory;

    @Test
    @Timeout(300)
    void whatWasAcknowledgedAsDurableIsThereAfterAKill() throws IOException, InterruptedException {
        var acknowledged = new HashMap<Integer, Long>();
        var process = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Writer.class.getName(),
                        directory.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (var reader = process.inputReader()) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                var words = line.split(" ");
                acknowledged.put(Integer.parseInt(words[0]), Long.parseLong(words[1]));
                if (acknowledged.size() == 100) {
                    assertThatThrownBy(() -> new FileBackend(directory, 1).open(SPEC))
                            .isInstanceOf(UncheckedIOException.class)
                            .hasMessageContaining("in use");
                    // SIGKILL. By the handle, since the process would close the pipe, and what it printed counts.
                    process.toHandle().destroyForcibly();
                }
            }
        }
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(acknowledged).hasSizeGreaterThanOrEqualTo(100);

        try (var namespace = new FileBackend(directory, 1).open(SPEC)) {
            var reactor = HandReactor.byHand("check");
            var session = namespace.open(reactor);
            for (Map.Entry<Integer, Long> entry : acknowledged.entrySet()) {
                var data = new byte[BLOCK_BYTES];
                var request =
                        TestRequest.blocks(NvmOpcode.READ, entry.getKey(), 1).with(data);
                assertThat(session.submit(request)).isEqualTo(NvmRequest.PENDING);
                while (request.completions() == 0) {
                    session.poll(0);
                }
                assertThat(request.status()).isZero();
                long sequence = ByteBuffer.wrap(data).getLong();
                // A later write of the same block may have got there without its acknowledgement.
                assertThat(sequence).isGreaterThanOrEqualTo(entry.getValue());
                assertThat(data).isEqualTo(content(entry.getKey(), sequence));
            }
            session.close();
        }
    }

    static byte[] content(int slba, long sequence) {
        var data = new byte[BLOCK_BYTES];
        new Random(sequence * BLOCKS + slba).nextBytes(data);
        ByteBuffer.wrap(data).putLong(sequence);
        return data;
    }

    /** Writes blocks in turn, by FUA or followed by a Flush, and prints each as soon as it is durable. */
    static final class Writer {
        public static void main(String[] arguments) {
            var namespace = new FileBackend(Path.of(arguments[0]), 2).open(SPEC);
            var session = namespace.open(HandReactor.byHand("writer"));
            var random = new Random(1);
            for (long sequence = 1; sequence < 1_000_000; sequence++) {
                int slba = random.nextInt(BLOCKS);
                var write = TestRequest.blocks(NvmOpcode.WRITE, slba, 1).with(content(slba, sequence));
                if (random.nextBoolean()) {
                    run(session, write.fua());
                } else {
                    run(session, write);
                    run(session, TestRequest.blocks(NvmOpcode.FLUSH, 0, 1));
                }
                System.out.println(slba + " " + sequence);
                System.out.flush();
            }
        }

        private static void run(io.doorbell.storage.NamespaceSession session, TestRequest request) {
            session.submit(request);
            while (request.completions() == 0) {
                session.poll(0);
            }
            if (request.status() != 0) {
                throw new IllegalStateException("status " + request.status());
            }
        }
    }
}
