package io.doorbell.subsystem;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Reservation;
import io.doorbell.nvme.ReservationReport;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NvmRequest;
import io.doorbell.subsystem.ReservationState.Change;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The reservation commands of one I/O path to one namespace. A session beside that of the namespace, so that what executes
 * a command is one call for both. Owner: the path's reactor.
 */
final class ReservationSession implements NamespaceSession {
    private static final int INVALID_FIELD = Status.INVALID_FIELD | Status.DNR;

    private final NvmController controller;
    private final NamespaceReservations reservations;
    private final Background background;

    ReservationSession(NvmController controller, NamespaceReservations reservations, Runnable wake) {
        this.controller = controller;
        this.reservations = reservations;
        background = new Background(wake);
    }

    /** Checks a reservation command and says what data it moves. Returns a status. */
    static int admit(NvmRequest request, int maxTransferBytes) {
        request.slba = 0;
        request.blockCount = 0;
        switch (request.opc) {
            case NvmOpcode.RESERVATION_REGISTER -> request.dataBytes = Reservation.REGISTER_DATA_BYTES;
            case NvmOpcode.RESERVATION_ACQUIRE -> request.dataBytes = Reservation.ACQUIRE_DATA_BYTES;
            case NvmOpcode.RESERVATION_RELEASE -> request.dataBytes = Reservation.RELEASE_DATA_BYTES;
            default -> {
                long bytes = (Integer.toUnsignedLong(request.cdw10) + 1) * 4; // NUMD, 0's based
                if (bytes > maxTransferBytes) {
                    return INVALID_FIELD;
                }
                request.dataBytes = (int) bytes;
                request.dataToHost = true;
            }
        }
        return Status.SUCCESS;
    }

    @Override
    public int submit(NvmRequest request) {
        var host = controller.host();
        if (request.opc == NvmOpcode.RESERVATION_REPORT) {
            return report(request, host);
        }
        var data = MemorySegment.ofArray(new byte[Reservation.REGISTER_DATA_BYTES]);
        request.copyFromHost(0, data, 0, request.dataBytes);
        int cdw10 = request.cdw10;
        int opc = request.opc;
        boolean ignoreKey = (cdw10 & Reservation.IGNORE_EXISTING_KEY) != 0;
        int ptpl = cdw10 >>> Reservation.PERSISTENCE_SHIFT;
        boolean register = opc == NvmOpcode.RESERVATION_REGISTER;
        if (register ? ptpl == 1 : ignoreKey) {
            return INVALID_FIELD; // Only Register knows to ignore a key.
        }
        boolean abort = opc == NvmOpcode.RESERVATION_ACQUIRE
                && (cdw10 & Reservation.ACTION_MASK) == Reservation.PREEMPT_AND_ABORT;
        return background.start(
                NvmOpcode.name(opc),
                request,
                job -> reservations.change(abort, state -> change(state, host, opc, cdw10, data)));
    }

    private static Change change(ReservationState state, HostId host, int opc, int cdw10, MemorySegment data) {
        int action = cdw10 & Reservation.ACTION_MASK;
        int type = cdw10 >> Reservation.TYPE_SHIFT & 0xFF;
        long crkey = Reservation.CRKEY.get(data);
        return switch (opc) {
            case NvmOpcode.RESERVATION_REGISTER ->
                state.register(
                        host,
                        action,
                        (cdw10 & Reservation.IGNORE_EXISTING_KEY) != 0,
                        cdw10 >>> Reservation.PERSISTENCE_SHIFT,
                        crkey,
                        Reservation.NRKEY.get(data));
            case NvmOpcode.RESERVATION_ACQUIRE ->
                switch (action) {
                    case Reservation.ACQUIRE -> state.acquire(host, crkey, type);
                    case Reservation.PREEMPT, Reservation.PREEMPT_AND_ABORT ->
                        state.preempt(host, crkey, Reservation.PRKEY.get(data), type);
                    default -> refused(state);
                };
            default ->
                switch (action) {
                    case Reservation.RELEASE -> state.release(host, crkey, type);
                    case Reservation.CLEAR -> state.clear(host, crkey);
                    default -> refused(state);
                };
        };
    }

    private static Change refused(ReservationState state) {
        return new Change(INVALID_FIELD, state, List.of(), List.of());
    }

    /** An identifier of 128 bits does not fit the plain structure, and one of 64 bits is none of the extended one's. */
    private int report(NvmRequest request, HostId host) {
        boolean extended = (request.cdw11 & Reservation.EXTENDED_DATA_STRUCTURE) != 0;
        if (host.isNamed() && host.wide() != extended) {
            return Status.HOST_IDENTIFIER_INCONSISTENT_FORMAT | Status.DNR;
        }
        var report = controller.subsystem().reservationReport(reservations.state());
        var data = report.encode(extended);
        long there = Math.min(request.dataBytes, data.byteSize());
        request.copyToHost(0, data, 0, there);
        if (there < request.dataBytes) {
            var zeroes = MemorySegment.ofArray(new byte[(int) (request.dataBytes - there)]);
            request.copyToHost(there, zeroes, 0, zeroes.byteSize());
        }
        return Status.SUCCESS;
    }

    @Override
    public int submitFused(NvmRequest compare, NvmRequest write) {
        return INVALID_FIELD;
    }

    @Override
    public int poll(long nowNanos) {
        return background.poll();
    }

    @Override
    public int inFlight() {
        return background.inFlight();
    }

    @Override
    public void close() {
        background.forget();
    }

    /** The report's entries are of controllers: the same host may be there by several. */
    static ReservationReport.Registrant entry(ReservationState state, ReservationState.Registrant of, int cntlid) {
        var host = of.host();
        return new ReservationReport.Registrant(cntlid, state.holds(host), host.low(), host.high(), of.key());
    }
}
