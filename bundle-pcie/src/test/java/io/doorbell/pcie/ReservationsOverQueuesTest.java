package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.ReservationCommands;
import io.doorbell.nvme.Reservation;
import io.doorbell.nvme.ReservationReport;
import io.doorbell.nvme.Status;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two hosts, each with a driver, a controller and queues of its own, and one namespace: from ring to ring. */
class ReservationsOverQueuesTest {
    private static final int KEYS = 0;
    private static final int REPORT = 4096;
    private static final int BLOCK = 8192;

    private final EmulatedRig rig = new EmulatedRig();
    private final EmulatedFunction otherFunction =
            EmulatedFunction.create(EmulatorSettings.of("nvme1"), rig.subsystem, rig.reactors);
    private final Host one = new Host(rig.function, "one");
    private final Host two = new Host(otherFunction, "two");

    @AfterEach
    void close() {
        one.close();
        two.close();
        otherFunction.close();
        rig.close();
    }

    private static final class Host implements AutoCloseable {
        private final PcieController controller;
        private final EmulatedRig.Held held;
        private final NvmCommand command = new NvmCommand();
        private int ended;
        private int status;

        Host(EmulatedFunction function, String name) {
            var id = UUID.nameUUIDFromBytes(name.getBytes());
            controller = PcieController.open(function, PcieOptions.DEFAULTS.withHostId(id));
            held = new EmulatedRig.Held(controller, 16, 1 << 20, (token, status, result) -> {
                this.status = Status.code(status);
                ended++;
            });
        }

        private int run(int staged) {
            assertThat(staged).isGreaterThanOrEqualTo(0);
            int before = ended;
            held.pair.commit();
            held.pollUntil(() -> ended > before);
            return status;
        }

        private int withKeys(NvmCommand filled, long current, long other) {
            int bytes = ReservationCommands.keys(held.data.segment(), KEYS, current, other);
            return run(held.pair.submit(filled, held.data, KEYS, bytes, 1));
        }

        int register(long key) {
            return withKeys(
                    ReservationCommands.register(
                            command, EmulatedRig.NSID, Reservation.REGISTER, false, Reservation.PERSISTENCE_UNCHANGED),
                    0,
                    key);
        }

        int acquire(int action, long key, long preempted, int type) {
            return withKeys(ReservationCommands.acquire(command, EmulatedRig.NSID, action, type), key, preempted);
        }

        int release(long key, int type) {
            return withKeys(ReservationCommands.release(command, EmulatedRig.NSID, Reservation.RELEASE, type), key, 0);
        }

        ReservationReport report() {
            ReservationCommands.report(command, EmulatedRig.NSID, 1024, true);
            assertThat(run(held.pair.submit(command, held.data, REPORT, 1024, 1)))
                    .isZero();
            return ReservationReport.decode(held.data.segment().asSlice(REPORT, 1024), true);
        }

        int read() {
            return run(held.pair.read(EmulatedRig.NSID, 0, 1, held.data, BLOCK, 0, 1));
        }

        int write() {
            return run(held.pair.write(EmulatedRig.NSID, 0, 1, held.data, BLOCK, 0, 1));
        }

        @Override
        public void close() {
            held.close();
            controller.close();
        }
    }

    @Test
    void aReservationKeepsTheOtherHostOut() {
        assertThat(one.register(11)).isZero();
        assertThat(one.acquire(Reservation.ACQUIRE, 11, 0, Reservation.EXCLUSIVE_ACCESS))
                .isZero();

        assertThat(one.write()).isZero();
        assertThat(two.read()).isEqualTo(Status.RESERVATION_CONFLICT);
        assertThat(two.write()).isEqualTo(Status.RESERVATION_CONFLICT);
        assertThat(two.report().rtype()).isEqualTo(Reservation.EXCLUSIVE_ACCESS);
        assertThat(one.release(11, Reservation.EXCLUSIVE_ACCESS)).isZero();
        assertThat(two.read()).isZero();
        assertThat(two.write()).isZero();
    }

    @Test
    void whoIsPreemptedWhileItWritesIsKeptOutFromTheAnswerOn() {
        assertThat(one.register(11)).isZero();
        assertThat(two.register(22)).isZero();
        assertThat(one.acquire(Reservation.ACQUIRE, 11, 0, Reservation.WRITE_EXCLUSIVE))
                .isZero();
        for (int i = 0; i < 8; i++) {
            assertThat(one.held.pair.write(EmulatedRig.NSID, i, 1, one.held.data, BLOCK, 0, i))
                    .isGreaterThanOrEqualTo(0);
        }
        one.held.pair.commit();

        assertThat(two.acquire(Reservation.PREEMPT_AND_ABORT, 22, 11, Reservation.WRITE_EXCLUSIVE))
                .isZero();
        assertThat(two.write()).isZero();

        one.held.pollUntil(() -> one.held.pair.inFlight() == 0);
        assertThat(one.write()).isEqualTo(Status.RESERVATION_CONFLICT);
        assertThat(one.read()).as("the type allows it").isZero();
        assertThat(two.report().registrants()).singleElement().satisfies(entry -> {
            assertThat(entry.rkey()).isEqualTo(22);
            assertThat(entry.holder()).isTrue();
        });
    }
}
