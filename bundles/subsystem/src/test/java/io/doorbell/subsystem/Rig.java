package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.backends.NullBackend;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.HandReactor;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.CommandPath;
import io.doorbell.target.ControllerEvents;
import io.doorbell.target.ControllerSetup;
import io.doorbell.target.HostIdentity;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/** A subsystem with a controller, and a transport that does what it is asked and remembers it. */
final class Rig implements AutoCloseable {
    static final String NQN = "nqn.2026-11.io.doorbell:test";
    static final int MAX_QUEUE_PAIRS = 8;
    static final int MAX_TRANSFER_PAGES = 32;

    /** As a PCI host enables it: 64 and 16 byte entries. */
    static final int ENABLE = ControllerConfiguration.DISABLED
            .withIosqes(6)
            .withIocqes(4)
            .withEn(true)
            .raw();

    final HandReactor reactor = HandReactor.byHand("rig");
    final SettableClock clock = new SettableClock();
    final NvmSubsystem subsystem;
    final Transport transport = new Transport();
    final NvmController controller;

    Rig() {
        this(null);
    }

    Rig(Path reservationFolder) {
        subsystem = new NvmSubsystem(NQN, "SN42", "Test Model", reservationFolder, clock);
        controller = controller("first", true, true, transport);
    }

    static ControllerSetup setup(String name, boolean pci, boolean attachAll) {
        return new ControllerSetup(
                name, pci, pci ? 0x1234 : 0, 1024, MAX_QUEUE_PAIRS, 0, MAX_TRANSFER_PAGES, pci, 1, attachAll);
    }

    NvmController controller(String name, boolean pci, boolean attachAll, Transport transport) {
        var made = (NvmController) subsystem.createController(setup(name, pci, attachAll), transport);
        transport.controller = made;
        return made;
    }

    /** Of a host on a network. */
    NvmController controllerOf(String hostNqn, Transport transport) {
        var made = (NvmController)
                subsystem.createController(setup(hostNqn, false, true), new HostIdentity(hostNqn, 1, 2), transport);
        transport.controller = made;
        return made;
    }

    Rig memory(int nsid, int blockBytes, long blockCount) {
        subsystem.addNamespace(
                nsid, new MemoryBackend().open(new NamespaceSpec("memory", blockBytes * blockCount, blockBytes, "")));
        return this;
    }

    Rig sparse(int nsid, int blockBytes, long blockCount) {
        var backend = new MemoryBackend(0);
        subsystem.addNamespace(
                nsid, backend.open(new NamespaceSpec("memory", blockBytes * blockCount, blockBytes, "")));
        return this;
    }

    Rig nothing(int nsid, int blockBytes, long blockCount) {
        subsystem.addNamespace(
                nsid, new NullBackend().open(new NamespaceSpec("null", blockBytes * blockCount, blockBytes, "")));
        return this;
    }

    Rig enabled() {
        controller.configure(ENABLE);
        return this;
    }

    /** Admits, brings zeroed data of the size asked for, executes. What came back is in {@link #data}. */
    int admin(TestRequest request) {
        return admin(controller, request);
    }

    int admin(NvmController on, TestRequest request) {
        return run(on.adminPath(), request);
    }

    /** The data of the last command. */
    byte[] data;

    int run(CommandPath path, TestRequest request) {
        return run(path, request, null);
    }

    int run(CommandPath path, TestRequest request, byte[] content) {
        int status = path.admit(request);
        if (status != Status.SUCCESS) {
            return status;
        }
        request.clearPieces();
        data = content != null ? content : new byte[request.dataBytes];
        if (request.dataBytes > 0) {
            assertThat(data).hasSize(request.dataBytes);
            request.with(data);
        }
        return path.execute(request);
    }

    MemorySegment page() {
        return MemorySegment.ofArray(data);
    }

    static TestRequest command(int opc, int nsid, int cdw10, int cdw11) {
        var request = new TestRequest();
        request.opc = opc;
        request.nsid = nsid;
        request.cdw10 = cdw10;
        request.cdw11 = cdw11;
        return request;
    }

    /** Identify, as a page. */
    MemorySegment identify(int cns, int nsid) {
        assertThat(admin(command(AdminOpcode.IDENTIFY, nsid, cns, 0))).isZero();
        assertThat(data).hasSize(IdentifyCns.DATA_BYTES);
        return page();
    }

    int identifyStatus(int cns, int nsid) {
        return Status.code(admin(command(AdminOpcode.IDENTIFY, nsid, cns, 0)));
    }

    TestRequest getLogPage(int lid, int bytes, long offset, boolean retain) {
        int numd = bytes / 4 - 1;
        var request = command(
                AdminOpcode.GET_LOG_PAGE, -1, lid | (retain ? 1 << 15 : 0) | (numd & 0xFFFF) << 16, numd >>> 16);
        request.cdw12 = (int) offset;
        request.cdw13 = (int) (offset >>> 32);
        return request;
    }

    MemorySegment logPage(int lid, int bytes) {
        assertThat(admin(getLogPage(lid, bytes, 0, false))).isZero();
        return page();
    }

    /** An Asynchronous Event Request that is pending, or answered in {@code status}. */
    TestRequest eventRequest() {
        return eventRequest(controller);
    }

    TestRequest eventRequest(NvmController on) {
        var request = command(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST, 0, 0, 0);
        int status = admin(on, request);
        if (status != NvmRequest.PENDING) {
            request.complete(status);
        }
        return request;
    }

    int setFeature(int fid, int value) {
        return setFeature(controller, fid, value);
    }

    int setFeature(NvmController on, int fid, int value) {
        return Status.code(admin(on, command(AdminOpcode.SET_FEATURES, 0, fid, value)));
    }

    long feature(int fid) {
        var request = command(AdminOpcode.GET_FEATURES, 0, fid, 0);
        assertThat(admin(request)).isZero();
        return request.result;
    }

    @Override
    public void close() {
        controller.close();
        subsystem.close();
    }

    /** Answers at once, as a transport without queues can. */
    static final class Transport implements ControllerEvents {
        NvmController controller;
        final List<String> calls = new ArrayList<>();
        boolean answers = true;
        private int wakes;

        @Override
        public void enabled() {
            calls.add("enabled");
            if (answers) {
                controller.ready();
            }
        }

        @Override
        public void reset() {
            calls.add("reset");
            if (answers) {
                controller.disabled();
            }
        }

        @Override
        public void shutdown() {
            calls.add("shutdown");
            if (answers) {
                controller.shutdownComplete();
            }
        }

        @Override
        public void fatal(String reason) {
            calls.add("fatal: " + reason);
        }

        @Override
        public synchronized void wake() {
            wakes++;
        }

        synchronized int wakes() {
            return wakes;
        }
    }

    static final class SettableClock implements InstantSource {
        Instant now = Instant.parse("2026-11-01T00:00:00Z");

        @Override
        public Instant instant() {
            return now;
        }
    }
}
