package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Reservation;
import io.doorbell.nvme.ReservationNotificationLog;
import io.doorbell.nvme.ReservationReport;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.CommandPath;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Hosts with a controller and an I/O path each, of one subsystem. */
final class ReservationRig implements AutoCloseable {
    static final int OK = Status.SUCCESS;
    static final int CONFLICT = Status.RESERVATION_CONFLICT | Status.DNR;
    static final int INVALID = Status.INVALID_FIELD | Status.DNR;
    private static final long BOUND_NANOS = TimeUnit.SECONDS.toNanos(60);

    final Rig rig;
    private final List<Host> hosts = new ArrayList<>();

    ReservationRig(Path folder) {
        rig = new Rig(folder);
    }

    /** A host with an identifier of 128 bits. */
    Host host(int id) {
        var host = new Host("host " + id);
        var bytes = new byte[16];
        bytes[0] = (byte) id;
        bytes[15] = (byte) 0xAB;
        assertThat(host.hostIdentifier(bytes)).isZero();
        return host;
    }

    Host unnamed() {
        return new Host("unnamed");
    }

    void poll() {
        for (var host : hosts) {
            host.path.poll(0);
        }
    }

    int await(TestRequest request, int status) {
        if (status != NvmRequest.PENDING) {
            return status;
        }
        long startNanos = System.nanoTime();
        while (request.completions() == 0) {
            poll();
            Thread.onSpinWait();
            assertThat(System.nanoTime() - startNanos).as("still pending").isLessThan(BOUND_NANOS);
        }
        return request.status();
    }

    @Override
    public void close() {
        for (var host : List.copyOf(hosts)) {
            host.close();
        }
        rig.close();
    }

    final class Host {
        final NvmController controller;
        final CommandPath path;

        private Host(String name) {
            controller = rig.controller(name, true, true, new Rig.Transport());
            path = controller.openIoPath(rig.reactor);
            hosts.add(this);
        }

        void close() {
            hosts.remove(this);
            path.close();
            controller.close();
        }

        int hostIdentifier(byte[] id) {
            var request = Rig.command(AdminOpcode.SET_FEATURES, 0, FeatureId.HOST_IDENTIFIER, id.length == 16 ? 1 : 0);
            return rig.run(controller.adminPath(), request, id);
        }

        int submit(TestRequest request, byte[] data) {
            int status = rig.run(path, request, data);
            return await(request, status);
        }

        private static byte[] keys(long first, long second) {
            var data = new byte[16];
            Reservation.CRKEY.set(MemorySegment.ofArray(data), first);
            Reservation.NRKEY.set(MemorySegment.ofArray(data), second);
            return data;
        }

        int register(long key) {
            return register(Reservation.REGISTER, 0, key);
        }

        int register(int cdw10, long crkey, long nrkey) {
            return submit(Rig.command(NvmOpcode.RESERVATION_REGISTER, 1, cdw10, 0), keys(crkey, nrkey));
        }

        int acquire(long crkey, int type) {
            return acquire(Reservation.ACQUIRE, crkey, 0, type);
        }

        int acquire(int action, long crkey, long prkey, int type) {
            int cdw10 = action | type << Reservation.TYPE_SHIFT;
            return submit(Rig.command(NvmOpcode.RESERVATION_ACQUIRE, 1, cdw10, 0), keys(crkey, prkey));
        }

        int release(int action, long crkey, int type) {
            int cdw10 = action | type << Reservation.TYPE_SHIFT;
            var data = new byte[8];
            Reservation.CRKEY.set(MemorySegment.ofArray(data), crkey);
            return submit(Rig.command(NvmOpcode.RESERVATION_RELEASE, 1, cdw10, 0), data);
        }

        ReservationReport report() {
            var data = new byte[4096];
            assertThat(submit(Rig.command(NvmOpcode.RESERVATION_REPORT, 1, 4096 / 4 - 1, 1), data))
                    .isZero();
            return ReservationReport.decode(MemorySegment.ofArray(data), true);
        }

        int io(int opc) {
            var request = opc == NvmOpcode.FLUSH || opc == NvmOpcode.DATASET_MANAGEMENT
                    ? Rig.command(opc, 1, 0, 0)
                    : TestRequest.blocks(opc, 0, 1);
            return submit(request, null);
        }

        /** The next notification, as its type; 0 for none. */
        int notice() {
            assertThat(rig.admin(controller, rig.getLogPage(0x80, ReservationNotificationLog.SIZE_BYTES, 0, false)))
                    .isZero();
            int type = ReservationNotificationLog.RNLPT.get(rig.page());
            assertThat(ReservationNotificationLog.NSID.get(rig.page())).isEqualTo(type == 0 ? 0 : 1);
            return type;
        }
    }
}
