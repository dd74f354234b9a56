package io.doorbell.subsystem;

import static io.doorbell.subsystem.ReservationRig.CONFLICT;
import static io.doorbell.subsystem.ReservationRig.OK;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Reservation;
import io.doorbell.subsystem.ReservationRig.Host;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** NVMe Base 2.1 "Reservations", command behavior in the presence of a reservation: each type, host and command. */
class ReservationMatrixTest {
    private static final List<Integer> READS = List.of(NvmOpcode.READ, NvmOpcode.COMPARE, NvmOpcode.VERIFY);
    private static final List<Integer> WRITES =
            List.of(NvmOpcode.WRITE, NvmOpcode.WRITE_ZEROES, NvmOpcode.DATASET_MANAGEMENT, NvmOpcode.FLUSH);

    private final ReservationRig rig = new ReservationRig(null);
    private Host holder;
    private Host registrant;
    private Host stranger;

    @BeforeEach
    void registerTwoHosts() {
        rig.rig.memory(1, 512, 1000);
        holder = rig.host(1);
        registrant = rig.host(2);
        stranger = rig.host(3);
        assertThat(holder.register(11)).isZero();
        assertThat(registrant.register(22)).isZero();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    /** Typed from the specification: type; what a registrant may read and write; what everybody else may. */
    static Stream<Arguments> types() {
        return Stream.of(
                Arguments.of(Reservation.WRITE_EXCLUSIVE, true, false, true, false),
                Arguments.of(Reservation.EXCLUSIVE_ACCESS, false, false, false, false),
                Arguments.of(Reservation.WRITE_EXCLUSIVE_REGISTRANTS_ONLY, true, true, true, false),
                Arguments.of(Reservation.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY, true, true, false, false),
                Arguments.of(Reservation.WRITE_EXCLUSIVE_ALL_REGISTRANTS, true, true, true, false),
                Arguments.of(Reservation.EXCLUSIVE_ACCESS_ALL_REGISTRANTS, true, true, false, false));
    }

    @ParameterizedTest
    @MethodSource("types")
    void eachHostMayDoWhatTheTypeSays(
            int type, boolean registrantReads, boolean registrantWrites, boolean otherReads, boolean otherWrites) {
        for (var host : List.of(holder, registrant, stranger)) {
            check(host, true, true, "before the reservation");
        }
        assertThat(holder.acquire(11, type)).isZero();

        check(holder, true, true, "the holder");
        check(registrant, registrantReads, registrantWrites, "a registrant");
        check(stranger, otherReads, otherWrites, "another host");

        assertThat(holder.release(Reservation.RELEASE, 11, type)).isZero();
        for (var host : List.of(holder, registrant, stranger)) {
            check(host, true, true, "after the reservation");
        }
    }

    private static void check(Host host, boolean reads, boolean writes, String who) {
        for (int opc : READS) {
            assertThat(host.io(opc)).as(who + ", " + NvmOpcode.name(opc)).isEqualTo(reads ? OK : CONFLICT);
        }
        for (int opc : WRITES) {
            assertThat(host.io(opc)).as(who + ", " + NvmOpcode.name(opc)).isEqualTo(writes ? OK : CONFLICT);
        }
    }

    @ParameterizedTest
    @MethodSource("types")
    void reservationCommandsAreForRegistrants(int type) {
        assertThat(holder.acquire(11, type)).isZero();
        boolean all = Reservation.isAllRegistrants(type);
        int other = type == 1 ? 2 : 1;

        assertThat(holder.acquire(11, type)).as("what it has").isEqualTo(OK);
        assertThat(holder.acquire(11, other)).as("of another type").isEqualTo(CONFLICT);
        assertThat(registrant.acquire(22, type)).isEqualTo(all ? OK : CONFLICT);
        assertThat(stranger.acquire(33, type)).isEqualTo(CONFLICT);
        assertThat(stranger.acquire(Reservation.PREEMPT, 33, 11, type)).isEqualTo(CONFLICT);
        assertThat(stranger.release(Reservation.RELEASE, 33, type)).isEqualTo(CONFLICT);
        assertThat(stranger.release(Reservation.CLEAR, 33, type)).isEqualTo(CONFLICT);
        assertThat(stranger.register(Reservation.UNREGISTER, 33, 0)).isEqualTo(CONFLICT);
        assertThat(stranger.report().rtype()).as("anyone may ask").isEqualTo(type);
        assertThat(registrant.release(Reservation.RELEASE, 22, other))
                .as("the type matters to who holds it")
                .isEqualTo(all ? ReservationRig.INVALID : OK);
        assertThat(holder.report().rtype()).as("nobody has released it").isEqualTo(type);
        assertThat(stranger.register(33)).as("anyone may register").isEqualTo(OK);
        assertThat(registrant.release(Reservation.CLEAR, 22, 0)).isEqualTo(OK);
        assertThat(stranger.report().rtype()).isZero();
        assertThat(stranger.report().registrants()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("types")
    void aReservationEndsWithItsHolder(int type) {
        assertThat(holder.acquire(11, type)).isZero();

        assertThat(holder.register(Reservation.UNREGISTER, 11, 0)).isZero();

        boolean all = Reservation.isAllRegistrants(type);
        assertThat(registrant.report().rtype()).isEqualTo(all ? type : 0);
        assertThat(registrant.notice()).isEqualTo(Reservation.isRegistrantsOnly(type) ? 2 : 0);
        assertThat(registrant.register(Reservation.UNREGISTER, 22, 0)).isZero();
        assertThat(registrant.report().rtype()).as("with the last registrant").isZero();
        check(stranger, true, true, "another host");
    }

    @ParameterizedTest
    @MethodSource("types")
    void whoPreemptsTheHolderHoldsIt(int type) {
        assertThat(holder.acquire(11, type)).isZero();
        boolean all = Reservation.isAllRegistrants(type);

        assertThat(registrant.acquire(Reservation.PREEMPT, 22, all ? 0 : 11, Reservation.EXCLUSIVE_ACCESS))
                .isZero();

        check(holder, false, false, "who was preempted");
        check(registrant, true, true, "who preempted");
        assertThat(holder.notice()).as("registration preempted").isEqualTo(1);
        var report = registrant.report();
        assertThat(report.rtype()).isEqualTo(Reservation.EXCLUSIVE_ACCESS);
        assertThat(report.registrants()).singleElement().satisfies(entry -> {
            assertThat(entry.holder()).isTrue();
            assertThat(entry.rkey()).isEqualTo(22);
            assertThat(entry.hostIdLow()).isEqualTo(2);
            assertThat(entry.hostIdHigh()).isEqualTo(0xABL << 56);
            assertThat(entry.cntlid()).isEqualTo(registrant.controller.controllerId());
        });
    }
}
