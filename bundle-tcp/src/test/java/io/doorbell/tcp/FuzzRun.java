package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.target.ControllerEvents;
import io.doorbell.target.ControllerSetup;
import io.doorbell.target.HostIdentity;
import io.doorbell.target.TargetController;
import io.doorbell.target.TargetSubsystem;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * A target, hosts that misuse it one after the other, and one that does not, all the time. After each connection the target holds what it held
 * before it.
 */
final class FuzzRun implements AutoCloseable {
    private static final int MAX_ENTRIES = 64;
    private static final int CC_ENABLED = 0x0046_0001;
    private static final int ADMIN_ENTRIES = 32;
    private static final long SETTLE_NANOS = 20_000_000_000L;
    private static final int WILD_CYCLES = 24;

    private final Random random;
    private final DrivenTarget target;
    private final DrivenHost.Memory memory = new DrivenHost.Memory();
    private final FuzzAnswer[] answers = FuzzHost.newAnswers();
    private final FuzzBlocks blocks = new FuzzBlocks(FuzzCommands.NAMESPACE_BLOCKS);
    private final FuzzCommands commands;
    private final FuzzPdus pdus;
    private final FuzzConnects connects;
    private final Map<String, Long> counts = new TreeMap<>();

    /** Hosts that stay: the admin queues of controllers that others make I/O queues of, and the one that is good. */
    private final DrivenHost.Memory stayingMemory = new DrivenHost.Memory();

    private final FuzzHost exactAdmin;
    private final FuzzHost wildAdmin;
    private final int exactController;
    private int wildController;
    private final GoodHost good;
    private final int connections;
    private final int associations;
    private final int parts;
    private long cases;

    FuzzRun(long seed) {
        random = new Random(seed);
        commands = new FuzzCommands(random, blocks);
        pdus = new FuzzPdus(random);
        connects = new FuzzConnects(random, MAX_ENTRIES);
        target = new DrivenTarget(
                new TcpTargetSettings(
                        "fuzz",
                        "127.0.0.1",
                        0,
                        Set.of(),
                        1,
                        32,
                        MAX_ENTRIES,
                        FuzzTest.IO_QUEUES,
                        8192,
                        1 << 17,
                        8,
                        true,
                        true,
                        false),
                subsystem(FuzzTest.EXACT, FuzzCommands.NAMESPACE_BLOCKS),
                subsystem(FuzzTest.WILD, 2048),
                subsystem(FuzzTest.QUIET, 4096),
                new Closed());
        exactAdmin = staying();
        exactController = admin(exactAdmin, FuzzTest.EXACT, 0);
        wildAdmin = staying();
        wildController = admin(wildAdmin, FuzzTest.WILD, 0);
        good = new GoodHost(target, new Random(seed));
        target.beside(good);
        connections = target.connections();
        associations = target.fabrics.associations();
        parts = good.idleParts();
    }

    private static NvmSubsystem subsystem(String nqn, int blockCount) {
        var subsystem = new NvmSubsystem(nqn, "SN", "Model");
        long bytes = (long) blockCount * FuzzBlocks.BLOCK_BYTES;
        subsystem.addNamespace(1, new MemoryBackend().open(new NamespaceSpec("memory", bytes, 512, "")));
        if (nqn.equals(FuzzTest.WILD)) {
            subsystem.addNamespace(2, new MemoryBackend().open(new NamespaceSpec("memory", bytes, 4096, "")));
            subsystem.allowNamespaceManagement(new MemoryBackend(), 8 << 20);
        }
        return subsystem;
    }

    /** Lets nobody in. */
    private record Closed() implements TargetSubsystem {
        @Override
        public String nqn() {
            return FuzzTest.CLOSED;
        }

        @Override
        public String serial() {
            return "SN";
        }

        @Override
        public String model() {
            return "Model";
        }

        @Override
        public List<AllocatedNamespace> namespaces() {
            return List.of();
        }

        @Override
        public boolean allows(String hostNqn) {
            return false;
        }

        @Override
        public TargetController createController(ControllerSetup setup, HostIdentity host, ControllerEvents events) {
            throw new AssertionError("it lets nobody in");
        }
    }

    private FuzzHost staying() {
        return new FuzzHost(target, stayingMemory, FuzzHost.newAnswers(), blocks, random);
    }

    private FuzzHost host() {
        var host = new FuzzHost(target, memory, answers, blocks, random);
        // Most in one piece, which is quick; some in a few; and some a few bytes at a time.
        host.wire.pieces = random.nextInt(4) > 0 ? 1 : random.nextInt(3) > 0 ? 3 : 60;
        return host;
    }

    private static int admin(FuzzHost host, String nqn, int digests) {
        host.wire.initialize(digests);
        int controller = host.connect(nqn, FabricsCommand.DYNAMIC_CONTROLLER, 0, ADMIN_ENTRIES, 0);
        host.configure(CC_ENABLED);
        return controller;
    }

    long cases() {
        return cases;
    }

    private void count(String kind, long by) {
        cases += by;
        counts.merge(kind, by, Long::sum);
    }

    /** A connection from its beginning to its end. */
    void connection() {
        var host = host();
        int kind = random.nextInt(16);
        if (kind < 6) {
            violatesFirst(host);
        } else if (kind < 9) {
            initializedOnly(host);
        } else if (kind < 11) {
            refusedConnects(host);
        } else if (kind < 12) {
            admin(host);
        } else if (kind < 13) {
            wild(host);
        } else {
            io(host);
        }
        host.forget();
        settle();
    }

    private void violatesFirst(FuzzHost host) {
        count(pdus.violate(host, false, true) ? "PDUs before ICReq" : "right after all", 1);
    }

    private void initializedOnly(FuzzHost host) {
        host.wire.initialize(random.nextInt(4));
        end(host, true);
    }

    private void refusedConnects(FuzzHost host) {
        host.wire.initialize(random.nextInt(4));
        for (int i = 1 + random.nextInt(6); i > 0; i--) {
            if (connects.refused(host, exactController)) {
                count("Connects", 1);
            }
        }
        end(host, true);
    }

    private void io(FuzzHost host) {
        host.wire.initialize(random.nextInt(4));
        int entries = 2 + random.nextInt(MAX_ENTRIES - 1);
        int cattr = random.nextInt(2) * FabricsCommand.CATTR_DISABLE_FLOW_CONTROL;
        host.connect(FuzzTest.EXACT, exactController, 1 + random.nextInt(FuzzTest.IO_QUEUES), entries, cattr);
        for (int batch = 1 + random.nextInt(4); batch > 0; batch--) {
            int staged = 0;
            int most = entries - 1;
            while (staged < most) {
                int more = commands.io(host, staged, most - staged);
                if (more == 0) {
                    break;
                }
                staged += more;
            }
            assertThat(host.settle()).as("the connection goes on").isTrue();
            count("I/O commands", staged);
        }
        end(host, false);
    }

    private void admin(FuzzHost host) {
        int controller = admin(host, FuzzTest.EXACT, random.nextInt(4));
        int staged = random.nextInt(3) == 0 ? commands.events(host, 0) : 0;
        int first = staged;
        while (staged < ADMIN_ENTRIES - 1) {
            staged += commands.admin(host, staged, controller);
        }
        assertThat(host.settle()).as("the connection goes on").isTrue();
        count("admin commands", staged - first);
        end(host, true);
    }

    /** How a connection ends. */
    private void end(FuzzHost host, boolean admin) {
        switch (random.nextInt(8)) {
            case 0 -> {
                // Nothing more.
            }
            case 1 -> {
                host.wire.shutdownOutput();
                host.lenient = true;
                host.awaitEnd();
                assertThat(host.termination).isNegative();
            }
            case 2 -> cut(host, admin);
            default -> count(pdus.violate(host, true, admin) ? "PDUs" : "right after all", 1);
        }
    }

    /** Commands of which the last does not come whole, and then nothing more. */
    private void cut(FuzzHost host, boolean admin) {
        for (int i = random.nextInt(host.entries()) + 1; i > 0; i--) {
            if (admin) {
                host.entry(0x18, host.cid(0), 0, 0, 0, 0);
                host.wire.capsule(0);
            } else {
                host.entry(NvmOpcode.FLUSH, host.cid(0), 1, 0, 0, 0);
                host.wire.capsule(random.nextInt(3) == 0 ? 4 * (1 + random.nextInt(1000)) : 0);
            }
        }
        host.wire.cut(1 + random.nextInt(64));
        host.wire.flush();
        if (random.nextBoolean()) {
            host.wire.shutdownOutput();
            while (host.wire.await() >= 0) {
                // Answers to those that came whole.
            }
        }
        count("cut off", 1);
    }

    private void wild(FuzzHost host) {
        host.lenient = true;
        host.wire.initialize(random.nextInt(4));
        boolean asAdmin = random.nextInt(3) == 0;
        int entries = ADMIN_ENTRIES;
        if (asAdmin) {
            host.connect(FuzzTest.WILD, FabricsCommand.DYNAMIC_CONTROLLER, 0, entries, 0);
            host.configure(CC_ENABLED);
        } else {
            host.connect(FuzzTest.WILD, wildController, 1 + random.nextInt(FuzzTest.IO_QUEUES), entries, 0);
        }
        for (int batch = 0; batch < 3 && !host.wire.isEnded(); batch++) {
            int staged = 0;
            for (int slot = 0; slot < entries - 1; slot++) {
                if (!answers[slot].open) {
                    staged += commands.wild(host, slot, asAdmin);
                }
            }
            host.wire.flush();
            count("anything", staged);
            for (int cycle = 0; cycle < WILD_CYCLES && host.termination < 0; cycle++) {
                target.cycle();
                host.drain();
            }
            if (host.termination >= 0) {
                // More at once than the queue has entries: those before it are not all answered.
                break;
            }
        }
    }

    /** The target has seen the end, and holds nothing of it. */
    private void settle() {
        long begun = System.nanoTime();
        int cycles = 0;
        while (target.connections() != connections
                || target.fabrics.associations() != associations
                || good.partsBeside() != parts) {
            target.cycle();
            if (cycles++ > DrivenHost.PATIENT_CYCLES) {
                Thread.yield();
            }
            if (System.nanoTime() - begun > SETTLE_NANOS) {
                throw new AssertionError(String.format(
                        "%d connections, %d controllers, %d parts of memory are held after the end; there were %d, %d,"
                                + " %d",
                        target.connections(),
                        target.fabrics.associations(),
                        good.partsBeside(),
                        connections,
                        associations,
                        parts));
            }
        }
    }

    /** When the last hosts go too. */
    void requireNothingLeft() {
        target.beside(null);
        good.requireServedWell();
        exactAdmin.forget();
        wildAdmin.forget();
        good.close();
        long begun = System.nanoTime();
        while (target.connections() + target.fabrics.associations() > 0) {
            target.cycle();
            assertThat(System.nanoTime() - begun).isLessThan(SETTLE_NANOS);
        }
        assertThat(target.member.heldParts()).isZero();
    }

    @Override
    public void close() {
        target.close();
        memory.close();
        stayingMemory.close();
        good.closeMemory();
    }

    @Override
    public String toString() {
        return cases + " cases: " + counts + "; " + good;
    }
}
