package io.doorbell.subsystem;

import static io.doorbell.subsystem.ReservationRig.CONFLICT;
import static io.doorbell.subsystem.ReservationRig.INVALID;
import static io.doorbell.subsystem.ReservationRig.OK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.backends.FileBackend;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Reservation;
import io.doorbell.nvme.ReservationReport;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReservationsTest {
    @TempDir
    Path directory;

    private ReservationRig rig = new ReservationRig(null);

    @AfterEach
    void close() {
        rig.close();
    }

    private ReservationRig memory() {
        rig.rig.memory(1, 512, 1000);
        return rig;
    }

    @Test
    void keysAreRegisteredReplacedAndTakenBack() {
        var host = memory().host(1);
        int ignore = Reservation.IGNORE_EXISTING_KEY;

        assertThat(host.register(0)).as("there is no key 0").isEqualTo(INVALID);
        assertThat(host.register(Reservation.REPLACE, 0, 5)).isEqualTo(CONFLICT);
        assertThat(host.register(5)).isEqualTo(OK);
        assertThat(host.register(5)).as("the same again").isEqualTo(OK);
        assertThat(host.register(6)).as("another, without replacing").isEqualTo(CONFLICT);
        assertThat(host.register(Reservation.REPLACE, 4, 6)).isEqualTo(CONFLICT);
        assertThat(host.register(Reservation.REPLACE, 5, 6)).isEqualTo(OK);
        assertThat(host.register(Reservation.REPLACE | ignore, 99, 7)).isEqualTo(OK);
        assertThat(host.register(Reservation.UNREGISTER, 6, 0)).isEqualTo(CONFLICT);
        assertThat(host.register(3, 7, 0)).as("no such action").isEqualTo(INVALID);
        assertThat(host.register(1 << 30, 0, 7)).as("no such change of PTPL").isEqualTo(INVALID);
        assertThat(host.report().registrants())
                .singleElement()
                .satisfies(entry -> assertThat(entry.rkey()).isEqualTo(7));
        assertThat(host.register(Reservation.UNREGISTER | ignore, 0, 0)).isEqualTo(OK);
        assertThat(host.register(Reservation.REPLACE | ignore, 0, 8))
                .as("without a key there need be none")
                .isEqualTo(OK);
    }

    @Test
    void onlyRegisterIgnoresKeys() {
        var host = memory().host(1);
        host.register(5);

        assertThat(host.acquire(Reservation.IGNORE_EXISTING_KEY, 5, 0, 1)).isEqualTo(INVALID);
        assertThat(host.release(Reservation.IGNORE_EXISTING_KEY, 5, 1)).isEqualTo(INVALID);
        assertThat(host.acquire(5, 0)).as("no type 0").isEqualTo(INVALID);
        assertThat(host.acquire(5, 7)).as("no type 7").isEqualTo(INVALID);
        assertThat(host.acquire(3, 5, 0, 1)).as("no such action").isEqualTo(INVALID);
        assertThat(host.release(2, 5, 1)).as("no such action").isEqualTo(INVALID);
        assertThat(host.acquire(6, 1)).as("another key").isEqualTo(CONFLICT);
    }

    @Test
    void generationCountsWhatChangesRegistrations() {
        var one = memory().host(1);
        var two = rig.host(2);
        int start = one.report().gen();

        one.register(1);
        two.register(2);
        one.acquire(1, Reservation.WRITE_EXCLUSIVE);
        one.release(Reservation.RELEASE, 1, Reservation.WRITE_EXCLUSIVE);
        assertThat(one.report().gen()).as("not what acquires and releases").isEqualTo(start + 2);
        one.acquire(Reservation.PREEMPT, 1, 2, Reservation.WRITE_EXCLUSIVE);
        assertThat(one.report().gen()).isEqualTo(start + 3);
        one.release(Reservation.CLEAR, 1, 0);

        assertThat(one.report().gen()).isEqualTo(start + 4);
    }

    @Test
    void preemptTakesRegistrationsByTheirKey() {
        var holder = memory().host(1);
        var two = rig.host(2);
        var three = rig.host(3);
        holder.register(10);
        two.register(20);
        three.register(20);
        holder.acquire(10, Reservation.WRITE_EXCLUSIVE_REGISTRANTS_ONLY);

        assertThat(holder.acquire(Reservation.PREEMPT, 10, 99, 1))
                .as("nobody's key")
                .isEqualTo(CONFLICT);
        assertThat(holder.acquire(Reservation.PREEMPT, 10, 0, 1)).as("no key").isEqualTo(INVALID);
        assertThat(two.acquire(Reservation.PREEMPT, 20, 20, 1)).isEqualTo(OK);

        assertThat(two.report().registrants())
                .as("its own registration stays")
                .extracting(ReservationReport.Registrant::hostIdLow)
                .containsExactly(1L, 2L);
        assertThat(two.report().rtype())
                .as("the holder's key was another")
                .isEqualTo(Reservation.WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
        assertThat(three.notice()).isEqualTo(1);
        assertThat(three.notice()).as("there was one").isZero();
        assertThat(three.io(NvmOpcode.WRITE)).isEqualTo(CONFLICT);
        assertThat(two.io(NvmOpcode.WRITE)).isEqualTo(OK);
        assertThat(holder.acquire(Reservation.PREEMPT, 10, 10, Reservation.EXCLUSIVE_ACCESS))
                .as("its own: another type")
                .isEqualTo(OK);
        assertThat(two.io(NvmOpcode.READ)).isEqualTo(CONFLICT);
        assertThat(two.notice()).as("released").isEqualTo(2);
    }

    @Test
    void aFullTableRefusesOneMore() {
        var state = ReservationState.NONE;
        for (int i = 1; i <= ReservationState.MAX_REGISTRANTS; i++) {
            state = state.register(new HostId(i, 0, true, 0), Reservation.REGISTER, false, 0, 0, i)
                    .next();
        }

        var change = state.register(new HostId(99, 0, true, 0), Reservation.REGISTER, false, 0, 0, 9);

        assertThat(Status.code(change.status())).isEqualTo(Status.INTERNAL_ERROR);
        assertThat(change.next()).isEqualTo(state);
    }

    @Test
    void controllersOfOneHostAreOneRegistrant() {
        var first = memory().host(1);
        var second = rig.host(1);
        var other = rig.host(2);

        first.register(5);
        assertThat(second.acquire(5, Reservation.EXCLUSIVE_ACCESS)).isEqualTo(OK);

        assertThat(first.io(NvmOpcode.WRITE)).isEqualTo(OK);
        assertThat(other.io(NvmOpcode.READ)).isEqualTo(CONFLICT);
        assertThat(first.report().registrants())
                .extracting(ReservationReport.Registrant::cntlid)
                .containsExactly(first.controller.controllerId(), second.controller.controllerId());
        first.close();
        second.close();
        assertThat(other.report().registrants())
                .as("the host has no controller, and holds it all the same")
                .singleElement()
                .satisfies(entry -> {
                    assertThat(entry.cntlid()).isEqualTo(ReservationReport.NO_CONTROLLER);
                    assertThat(entry.holder()).isTrue();
                });
        assertThat(other.io(NvmOpcode.READ)).isEqualTo(CONFLICT);
    }

    @Test
    void aHostWithoutIdentifierIsAnotherOneAfterAReset() {
        var unnamed = memory().unnamed();
        var other = rig.host(2);
        unnamed.controller.configure(Rig.ENABLE);
        assertThat(unnamed.register(5)).isEqualTo(OK);
        assertThat(unnamed.acquire(5, Reservation.EXCLUSIVE_ACCESS)).isEqualTo(OK);
        assertThat(other.io(NvmOpcode.READ)).isEqualTo(CONFLICT);

        unnamed.controller.configure(0);

        awaitUntil(() -> other.io(NvmOpcode.READ) == OK);
        assertThat(other.report().registrants()).isEmpty();
    }

    private void awaitUntil(java.util.function.BooleanSupplier condition) {
        long startNanos = System.nanoTime();
        while (!condition.getAsBoolean()) {
            rig.poll();
            assertThat(System.nanoTime() - startNanos).isLessThan(60_000_000_000L);
        }
    }

    @Test
    void reportsSuitTheLengthOfTheIdentifier() {
        var wide = memory().host(1);
        var narrow = rig.unnamed();
        assertThat(narrow.hostIdentifier(new byte[] {9, 0, 0, 0, 0, 0, 0, 0})).isZero();
        var plain = Rig.command(NvmOpcode.RESERVATION_REPORT, 1, 5, 0);
        var extended = Rig.command(NvmOpcode.RESERVATION_REPORT, 1, 15, 1);

        assertThat(Status.code(wide.submit(plain, null))).isEqualTo(Status.HOST_IDENTIFIER_INCONSISTENT_FORMAT);
        assertThat(Status.code(narrow.submit(extended, null))).isEqualTo(Status.HOST_IDENTIFIER_INCONSISTENT_FORMAT);
        assertThat(narrow.register(7)).isEqualTo(OK);
        assertThat(narrow.submit(Rig.command(NvmOpcode.RESERVATION_REPORT, 1, 11, 0), null))
                .isEqualTo(OK);

        var report = ReservationReport.decode(rig.rig.page(), false);
        assertThat(report.registrants()).singleElement().satisfies(entry -> {
            assertThat(entry.hostIdLow()).isEqualTo(9);
            assertThat(entry.rkey()).isEqualTo(7);
        });
    }

    @Test
    void hostsAreToldUnlessTheyMaskedIt() {
        var one = memory().host(1);
        var two = rig.host(2);
        var three = rig.host(3);
        var event = rig.rig.eventRequest(two.controller);
        one.register(1);
        two.register(2);
        three.register(3);
        var mask = Rig.command(
                AdminOpcode.SET_FEATURES,
                1,
                FeatureId.RESERVATION_NOTIFICATION_MASK,
                Reservation.MASK_RESERVATION_PREEMPTED);
        assertThat(rig.rig.admin(three.controller, mask)).isZero();

        one.acquire(1, Reservation.WRITE_EXCLUSIVE_ALL_REGISTRANTS);
        one.release(Reservation.RELEASE, 1, Reservation.WRITE_EXCLUSIVE_ALL_REGISTRANTS);
        one.release(Reservation.CLEAR, 1, 0);

        two.controller.adminPath().poll(0);
        assertThat(event.completions()).isEqualTo(1);
        assertThat(event.result).isEqualTo(AsyncEvent.dw0(AsyncEvent.TYPE_COMMAND_SET, 0, 0x80));
        var second = rig.rig.eventRequest(two.controller);
        assertThat(two.notice()).as("released").isEqualTo(2);
        two.controller.adminPath().poll(0);
        assertThat(second.completions()).as("there is another to read").isEqualTo(1);
        assertThat(two.notice()).as("reservation preempted").isEqualTo(3);
        assertThat(two.notice()).isZero();
        assertThat(three.notice()).isEqualTo(2);
        assertThat(three.notice()).as("masked").isZero();
        assertThat(one.notice()).as("its own doing").isZero();
    }

    @Test
    void aPathThatIsAskedMeanwhileTakesUpTheChangeFirst() {
        var one = memory().host(1);
        var two = rig.host(2);
        one.register(1);
        var acquire = Rig.command(NvmOpcode.RESERVATION_ACQUIRE, 1, Reservation.EXCLUSIVE_ACCESS << 8, 0);
        var keys = new byte[16];
        keys[0] = 1;
        // Admitted before, executed after: its data was on the way.
        var late = TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(new byte[512]);
        assertThat(two.path.admit(late)).isZero();
        assertThat(rig.rig.run(one.path, acquire, keys)).isEqualTo(NvmRequest.PENDING);

        long startNanos = System.nanoTime();
        while (rig.rig.subsystem.namespace(1).reservations().state().rtype() == 0) {
            assertThat(System.nanoTime() - startNanos).isLessThan(60_000_000_000L);
        }
        one.path.poll(0);
        one.path.poll(0);
        assertThat(acquire.completions())
                .as("the other path has yet to take it up")
                .isZero();

        assertThat(rig.await(acquire, NvmRequest.PENDING)).isEqualTo(OK);
        assertThat(two.path.execute(late)).isEqualTo(CONFLICT);
    }

    @Test
    void preemptAndAbortWaitsForWhatIsInFlight() {
        var slow = new SlowNamespace();
        rig.rig.subsystem.addNamespace(1, slow);
        var victim = rig.host(1);
        var preemptor = rig.host(2);
        victim.register(1);
        preemptor.register(2);
        var write = TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(new byte[512]);
        assertThat(victim.path.admit(write)).isZero();
        assertThat(victim.path.execute(write)).isEqualTo(NvmRequest.PENDING);
        var admitted = TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(new byte[512]);
        assertThat(victim.path.admit(admitted)).isZero();
        var preempt = Rig.command(NvmOpcode.RESERVATION_ACQUIRE, 1, Reservation.PREEMPT_AND_ABORT | 1 << 8, 0);
        var keys = new byte[16];
        keys[0] = 2;
        keys[8] = 1;

        assertThat(rig.rig.run(preemptor.path, preempt, keys)).isEqualTo(NvmRequest.PENDING);
        long startNanos = System.nanoTime();
        while (rig.rig
                        .subsystem
                        .namespace(1)
                        .reservations()
                        .state()
                        .registrants()
                        .size()
                == 2) {
            assertThat(System.nanoTime() - startNanos).isLessThan(60_000_000_000L);
        }
        pollOften();
        assertThat(preempt.completions()).as("a write is in flight").isZero();
        rig.rig.subsystem.limit(RateLimits.Settings.parse(new String[] {"1=iops:1000000"}, new String[0]));
        pollOften();
        assertThat(preempt.completions())
                .as("another rule that changes is no end of it")
                .isZero();
        assertThat(victim.io(NvmOpcode.READ)).as("goes on beside it").isEqualTo(OK);
        slow.release();

        assertThat(rig.await(preempt, NvmRequest.PENDING)).isEqualTo(OK);
        assertThat(write.completions()).isEqualTo(1);
        assertThat(victim.path.execute(admitted)).as("admitted before").isEqualTo(Status.ABORTED_PREEMPT);
        assertThat(victim.io(NvmOpcode.WRITE)).as("nobody holds it").isEqualTo(OK);
    }

    private void pollOften() {
        for (int i = 0; i < 100; i++) {
            rig.poll();
        }
    }

    @Test
    void aPathThatEndsIsWaitedForNoMore() {
        var slow = new SlowNamespace();
        rig.rig.subsystem.addNamespace(1, slow);
        var victim = rig.host(1);
        var preemptor = rig.host(2);
        victim.register(1);
        preemptor.register(2);
        var write = TestRequest.blocks(NvmOpcode.WRITE, 0, 1).with(new byte[512]);
        assertThat(victim.path.admit(write)).isZero();
        assertThat(victim.path.execute(write)).isEqualTo(NvmRequest.PENDING);
        var preempt = Rig.command(NvmOpcode.RESERVATION_ACQUIRE, 1, Reservation.PREEMPT_AND_ABORT | 1 << 8, 0);
        var keys = new byte[16];
        keys[0] = 2;
        keys[8] = 1;
        assertThat(rig.rig.run(preemptor.path, preempt, keys)).isEqualTo(NvmRequest.PENDING);

        victim.close();

        assertThat(rig.await(preempt, NvmRequest.PENDING)).isEqualTo(OK);
    }

    @Test
    void adminCommandsThatWriteAreKeptOutToo() {
        var one = memory().host(1);
        var two = rig.host(2);
        rig.rig.memory(2, 512, 8);
        one.register(5);
        one.acquire(5, Reservation.WRITE_EXCLUSIVE);

        for (int opc : new int[] {
            AdminOpcode.FORMAT_NVM, AdminOpcode.SANITIZE, AdminOpcode.NAMESPACE_ATTACHMENT, AdminOpcode.SECURITY_SEND
        }) {
            assertThat(two.controller.adminPath().admit(Rig.command(opc, 1, 0, 0)))
                    .as(AdminOpcode.name(opc))
                    .isEqualTo(CONFLICT);
        }
        var format = Rig.command(AdminOpcode.FORMAT_NVM, 2, 0, 0);
        assertThat(two.controller.adminPath().admit(format))
                .as("another namespace")
                .isNotEqualTo(CONFLICT);
        format.nsid = -1;
        assertThat(two.controller.adminPath().admit(format)).as("all of them").isEqualTo(CONFLICT);
        format.nsid = 1;
        assertThat(one.controller.adminPath().admit(format)).as("its own").isNotEqualTo(CONFLICT);
        assertThat(two.controller.adminPath().admit(Rig.command(AdminOpcode.SECURITY_RECEIVE, 1, 0, 0)))
                .as("reads")
                .isNotEqualTo(CONFLICT);
    }

    @Test
    void saysWhatItCan() {
        memory();
        assertThat(IdentifyController.ONCS.get(rig.rig.identify(IdentifyCns.CONTROLLER, 0))
                        & IdentifyController.ONCS_RESERVATIONS)
                .isNotZero();
        assertThat(IdentifyNamespace.RESCAP.get(rig.rig.identify(IdentifyCns.NAMESPACE, 1)))
                .isEqualTo(0xFE);
        assertThat(rig.host(1).register(Reservation.PERSISTENCE_ON << 30, 0, 5))
                .as("nothing can be kept here")
                .isEqualTo(INVALID);
    }

    private ReservationRig fileRig() {
        var made = new ReservationRig(directory.resolve("reservations"));
        var file = new FileBackend(directory, 1).open(new NamespaceSpec("file", 1 << 20, 512, "n.img"));
        made.rig.subsystem.addNamespace(1, file);
        return made;
    }

    @Test
    void persistentReservationsAreThereAfterARestart() {
        rig = fileRig();
        var host = rig.host(1);
        assertThat(host.register(Reservation.PERSISTENCE_ON << 30, 0, 0x8000_0000_0000_0001L))
                .isEqualTo(OK);
        rig.unnamed().register(9);
        assertThat(host.acquire(0x8000_0000_0000_0001L, Reservation.EXCLUSIVE_ACCESS))
                .isEqualTo(OK);
        assertThat(IdentifyNamespace.RESCAP.get(rig.rig.identify(IdentifyCns.NAMESPACE, 1)))
                .isEqualTo(0xFF);
        var before = host.report();
        rig.close();

        rig = fileRig();
        var again = rig.host(1);
        var other = rig.host(2);

        var report = again.report();
        assertThat(report.persistent()).isTrue();
        assertThat(report.gen()).as("the host without identifier has left").isBetween(before.gen(), before.gen() + 1);
        assertThat(report.rtype()).isEqualTo(Reservation.EXCLUSIVE_ACCESS);
        assertThat(report.registrants())
                .as("a host without identifier does not come again")
                .singleElement()
                .satisfies(entry -> assertThat(entry.rkey()).isEqualTo(0x8000_0000_0000_0001L));
        assertThat(other.io(NvmOpcode.READ)).isEqualTo(CONFLICT);
        assertThat(again.io(NvmOpcode.WRITE)).isEqualTo(OK);
    }

    @Test
    void whatIsNotPersistentIsGoneAfterARestart() {
        rig = fileRig();
        var host = rig.host(1);
        host.register(Reservation.PERSISTENCE_ON << 30, 0, 5);
        var off = Rig.command(AdminOpcode.SET_FEATURES, 1, FeatureId.RESERVATION_PERSISTENCE, 0);
        int status = rig.rig.admin(host.controller, off);
        while (status == NvmRequest.PENDING && off.completions() == 0) {
            rig.poll();
            host.controller.adminPath().poll(0);
        }
        assertThat(off.status()).isZero();
        assertThat(host.report().persistent()).isFalse();
        rig.close();

        rig = fileRig();

        assertThat(rig.host(1).report().registrants()).isEmpty();
        assertThat(directory.resolve("reservations")).isEmptyDirectory();
    }

    @Test
    void anotherNamespaceDoesNotInheritReservations() throws IOException {
        rig = fileRig();
        rig.host(1).register(Reservation.PERSISTENCE_ON << 30, 0, 5);
        rig.close();
        Files.delete(directory.resolve("n.img"));
        Files.delete(directory.resolve("n.img.namespace"));

        rig = fileRig();

        assertThat(rig.host(1).report().registrants()).isEmpty();
    }

    @Test
    void aNamespaceWhoseReservationsAreDamagedIsOpenToNobodyUntilTheFileIsRemoved() throws IOException {
        rig = fileRig();
        rig.host(1).register(Reservation.PERSISTENCE_ON << 30, 0, 5);
        rig.close();
        Path file = Files.list(directory.resolve("reservations")).findFirst().orElseThrow();
        Files.writeString(file, Files.readString(file).replace("\"type\":0", "\"type\":2"));
        rig = new ReservationRig(directory.resolve("reservations"));
        var namespace = new FileBackend(directory, 1).open(new NamespaceSpec("file", 1 << 20, 512, "n.img"));

        assertThatThrownBy(() -> rig.rig.subsystem.addNamespace(1, namespace))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("Remove " + file);

        assertThat(rig.rig.subsystem.namespaces()).isEmpty();
        Files.delete(file);
        rig.rig.subsystem.addNamespace(1, namespace);
        assertThat(rig.host(1).report().registrants()).isEmpty();
    }

    @Test
    void aNamespaceThatComesBackHasItsReservations() {
        rig = fileRig();
        var host = rig.host(1);
        var other = rig.host(2);
        host.register(5);
        host.acquire(5, Reservation.EXCLUSIVE_ACCESS);
        var namespace = rig.rig.subsystem.namespace(1);
        rig.rig.subsystem.removeNamespace(1);
        awaitUntil(() -> namespace.closed().getCount() == 0);

        var file = new FileBackend(directory, 1).open(new NamespaceSpec("file", 1 << 20, 512, "n.img"));
        rig.rig.subsystem.addNamespace(1, file);
        rig.poll();

        assertThat(other.io(NvmOpcode.READ)).isEqualTo(CONFLICT);
        assertThat(host.io(NvmOpcode.READ)).isEqualTo(OK);
    }
}
