package io.doorbell.fabrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.lease.ConnectionLeases;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.HandReactor;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;

/** A target, and hosts whose capsules need no wire. Everything runs on the test's thread but what the target puts on threads of its own. */
final class Wireless implements AutoCloseable {
    static final String NQN = "nqn.2026-11.io.doorbell:one";
    static final String OTHER_NQN = "nqn.2026-11.io.doorbell:two";
    static final String HOST = "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555";
    static final UUID HOST_ID = UUID.fromString("11111111-2222-3333-4444-555555555555");
    static final int MAX_ENTRIES = 128;
    static final int MAX_IO_QUEUES = 4;

    /** As Linux enables a controller. */
    static final int ENABLE = 0x0046_0001;

    private static final long BOUND_NANOS = 60_000_000_000L;

    final HandReactor reactor = HandReactor.byHand("wireless");
    final FabricTarget target;
    final NvmSubsystem subsystem = new NvmSubsystem(NQN, "SN1", "Model");
    final NvmSubsystem other = new NvmSubsystem(OTHER_NQN, "SN2", "Model");
    final FabricListener listener = listener("everything", "127.0.0.1", Set.of());
    final List<Capsules> hosts = new ArrayList<>();

    Wireless() {
        this(new FabricTarget());
    }

    Wireless(FabricTarget target) {
        this.target = target;
        var backend = new MemoryBackend();
        subsystem.addNamespace(1, backend.open(new NamespaceSpec("memory", 1 << 20, 512, "")));
        other.addNamespace(1, backend.open(new NamespaceSpec("memory", 1 << 20, 512, "")));
        target.add(subsystem);
        target.add(other);
        target.add(listener);
    }

    static FabricListener listener(String name, String traddr, Set<String> subsystems) {
        return new FabricListener(
                name,
                TransportId.Type.TCP,
                traddr,
                "4420",
                subsystems,
                MAX_ENTRIES,
                MAX_IO_QUEUES,
                8192,
                32,
                1,
                1,
                false,
                ConnectionLeases.UNCOUNTED);
    }

    Capsules host() {
        return host(listener);
    }

    Capsules host(FabricListener at) {
        var host = new Capsules(at);
        hosts.add(host);
        return host;
    }

    /** A host with an enabled controller. */
    Capsules connected() {
        var host = host();
        assertThat(host.connect(0, 31, 0xFFFF, 0).status).isZero();
        assertThat(host.enable().status).isZero();
        return host;
    }

    void until(BooleanSupplier condition) {
        long deadline = System.nanoTime() + BOUND_NANOS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("not within 10 s");
            }
            int work = reactor.cycle();
            for (var host : List.copyOf(hosts)) {
                work += host.queue.poll(System.nanoTime());
                host.endIfAsked();
            }
            if (work == 0) {
                Thread.onSpinWait();
            }
        }
    }

    @Override
    public void close() {
        for (var host : List.copyOf(hosts)) {
            host.close();
        }
        until(() -> target.associations() == 0);
        target.close();
        subsystem.close();
        other.close();
        reactor.close();
    }

    /** An answer. */
    static final class Answer extends FabricRequest {
        byte[] data = new byte[0];
        int status = -1;
        int sqhd;
        private final FabricQueue queue;

        Answer(FabricQueue queue) {
            super(queue);
            this.queue = queue;
        }

        boolean done() {
            return status >= 0;
        }

        @Override
        protected void answer(int status) {
            assertThat(this.status).as("answered twice").isNegative();
            this.status = status;
            sqhd = queue.nextHead();
        }

        int code() {
            return Status.code(status);
        }
    }

    /** A connection of a host. */
    final class Capsules implements FabricConnection {
        final FabricQueue queue;
        String disconnected;
        boolean finished;
        int reserved;
        int room = 1024;
        boolean closed;

        Capsules(FabricListener at) {
            queue = new FabricQueue(target, at, reactor, this, System.nanoTime());
        }

        Answer connect(int qid, int sqsizeZeroBased, int cntlid, int cattr) {
            return connect(qid, sqsizeZeroBased, cattr, 0, data(NQN, HOST, HOST_ID, cntlid));
        }

        Answer connect(int qid, int sqsizeZeroBased, int cattr, int kato, byte[] data) {
            var command = fabrics(FabricsCommand.CONNECT);
            command.cdw10 = FabricsCommand.connectDword10(0, qid);
            command.cdw11 = FabricsCommand.connectDword11(sqsizeZeroBased, cattr);
            command.cdw12 = kato;
            return await(send(command, data));
        }

        Answer enable() {
            return setProperty(Registers.CC, ENABLE);
        }

        Answer setProperty(int offset, int value) {
            var command = fabrics(FabricsCommand.PROPERTY_SET);
            command.cdw11 = offset;
            command.cdw12 = value;
            return await(send(command, null));
        }

        Answer property(int offset, int bytes) {
            var command = fabrics(FabricsCommand.PROPERTY_GET);
            command.cdw10 = bytes == 8 ? 1 : 0;
            command.cdw11 = offset;
            return await(send(command, null));
        }

        Answer fabrics(int type) {
            var command = command(AdminOpcode.FABRICS);
            command.nsid = type;
            return command;
        }

        Answer command(int opc) {
            var command = new Answer(queue);
            command.opc = opc;
            return command;
        }

        /** As a transport does it: the data are there at once. */
        Answer send(Answer command, byte[] data) {
            int status = queue.admit(command);
            if (status != Status.SUCCESS) {
                queue.refuse(command, status);
                return command;
            }
            if (command.dataBytes > 0) {
                command.data = data == null ? new byte[command.dataBytes] : data;
                if (command.data.length != command.dataBytes) {
                    queue.refuse(command, Status.DATA_SGL_LENGTH_INVALID | Status.DNR);
                    return command;
                }
                command.addPiece(MemorySegment.ofArray(command.data), 0, command.dataBytes);
            }
            queue.execute(command);
            return command;
        }

        Answer await(Answer command) {
            until(command::done);
            return command;
        }

        void endIfAsked() {
            if (disconnected != null || finished) {
                close();
            }
        }

        void close() {
            if (!closed) {
                closed = true;
                assertThat(queue.close()).isTrue();
                hosts.remove(this);
            }
        }

        @Override
        public boolean reserve(int commands) {
            reserved = commands;
            return commands <= room;
        }

        @Override
        public void disconnect(String reason) {
            disconnected = reason;
        }

        @Override
        public void finish() {
            finished = true;
        }

        @Override
        public String localAddress() {
            return "192.0.2.1";
        }

        @Override
        public String peer() {
            return "peer";
        }
    }

    static byte[] data(String subnqn, String hostnqn, UUID hostId, int cntlid) {
        var bytes = new byte[ConnectData.SIZE_BYTES];
        var data = MemorySegment.ofArray(bytes);
        ConnectData.HOSTID.set(data, hostId);
        ConnectData.CNTLID.set(data, cntlid);
        ConnectData.SUBNQN.set(data, subnqn);
        ConnectData.HOSTNQN.set(data, hostnqn);
        return bytes;
    }

    static byte[] discovery() {
        return data(Nqn.DISCOVERY, HOST, HOST_ID, 0xFFFF);
    }
}
