package io.doorbell.bench;

import com.sun.management.ThreadMXBean;
import io.doorbell.backends.NullBackend;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.reactor.Reactor;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.tcp.TcpTarget;
import io.doorbell.tcp.TcpTargetSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.util.Set;

/** The parts of a node that is a TCP target and nothing else, put together by hand: one subsystem, one null namespace, one reactor. */
final class TcpNode implements AutoCloseable {
    static final String NQN = "nqn.2026-11.io.doorbell:bench";

    /** Written when it can be connected to, with the port behind it. */
    static final String LISTENS = "listens at port ";

    /** Between a line that was read and the bytes that are the answer. */
    static final String ALLOCATED = ": allocated ";

    private final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    private final FabricTarget fabrics = new FabricTarget();
    private final NvmSubsystem subsystem = new NvmSubsystem(NQN, "BENCH", "Doorbell");
    final TcpTarget target;

    TcpNode(int ioQueues) {
        subsystem.addNamespace(1, new NullBackend().open(NamespaceSpec.parse("null:1TiB:4096")));
        fabrics.add(subsystem);
        var usual = TcpTargetSettings.DEFAULT;
        target = TcpTarget.open(
                new TcpTargetSettings(
                        "bench",
                        usual.address(),
                        usual.port(),
                        Set.of(),
                        1,
                        // One more for each host's admin queue, and some for hosts that are about to go.
                        2 * ioQueues,
                        usual.maxQueueEntries(),
                        ioQueues,
                        usual.inCapsuleBytes(),
                        usual.maxTransferBytes(),
                        usual.bufferMebibytes(),
                        usual.headerDigest(),
                        usual.dataDigest(),
                        false),
                fabrics,
                reactors);
    }

    /** Bytes that the reactor's thread has allocated. */
    long allocatedBytes() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return reactors.reactors().stream()
                .map(Reactor::thread)
                .mapToLong(thread -> threads.getThreadAllocatedBytes(thread.threadId()))
                .sum();
    }

    @Override
    public void close() {
        target.close();
        fabrics.close();
        subsystem.close();
        reactors.close();
    }

    /**
     * In a process of its own: says where it listens; then for each line that it reads, how much it has allocated, which is the line's
     * answer; until there are no more lines.
     */
    public static void main(String[] arguments) throws IOException {
        try (var node = new TcpNode(Integer.parseInt(arguments[0]))) {
            System.out.println(LISTENS + node.target.address().getPort() + ".");
            var in = new BufferedReader(new InputStreamReader(System.in));
            for (var line = in.readLine(); line != null; line = in.readLine()) {
                System.out.println(line + ALLOCATED + node.allocatedBytes() + ".");
            }
        }
    }
}
