package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.doorbell.host.DmaMemory;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.QueuePair;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PcieQueuePairTest {
    private record End(long token, int status, long result) {}

    private final List<End> ends = new ArrayList<>();
    private QueuePairRig rig;

    private QueuePairRig rig(int entries) {
        return rig(entries, false);
    }

    private QueuePairRig rig(int entries, boolean shadows) {
        rig = new QueuePairRig(entries, shadows, (token, status, result) -> ends.add(new End(token, status, result)));
        rig.control.own(Thread.currentThread());
        return rig;
    }

    @AfterEach
    void close() {
        if (rig != null) {
            rig.close();
        }
    }

    @Test
    void endsEachCommandWithItsTokenOverManyRoundsOfTheRing() {
        rig(5);

        long token = 0;
        for (int round = 0; round < 1000; round++) {
            int count = 1 + round % 4;
            for (int i = 0; i < count; i++) {
                assertThat(rig.read(token, token)).isGreaterThanOrEqualTo(0);
                token++;
            }
            rig.pair.commit();
            rig.device.fetch().forEach(command -> rig.device.complete(command.cid(), 0, command.slba()));
            assertThat(rig.pair.poll(64)).isEqualTo(count);
        }

        assertThat(ends).hasSize((int) token);
        for (int i = 0; i < token; i++) {
            assertThat(ends.get(i)).isEqualTo(new End(i, 0, i));
        }
        assertThat(rig.pair.inFlight()).isZero();
        assertThat(rig.control.counters().submitted()).isEqualTo(token);
        assertThat(rig.control.counters().completed()).isEqualTo(token);
        assertThat(rig.control.counters().submissionDoorbells()).isEqualTo(1000);
        assertThat(rig.control.counters().completionDoorbells()).isEqualTo(1000);
    }

    @Test
    void takesCompletionsInAnyOrderAndWithTheirStatus() {
        rig(8);
        for (int i = 0; i < 5; i++) {
            rig.read(i, i);
        }
        rig.pair.commit();

        var commands = rig.device.fetch();
        for (int i : new int[] {3, 0, 4, 1, 2}) {
            rig.device.complete(commands.get(i), i == 4 ? Status.LBA_OUT_OF_RANGE : 0);
        }
        rig.pair.poll(64);

        assertThat(ends).extracting(End::token).containsExactly(3L, 0L, 4L, 1L, 2L);
        assertThat(ends.get(2).status()).isEqualTo(Status.LBA_OUT_OF_RANGE);
        assertThat(rig.control.counters().failed()).isEqualTo(1);
    }

    @Test
    void reportsAFullRingAndAcceptsAgainWhenACommandHasEnded() {
        rig(4);
        for (int i = 0; i < 3; i++) {
            assertThat(rig.read(i, i)).isZero();
        }

        assertThat(rig.read(3, 3)).isEqualTo(QueuePair.QUEUE_FULL);
        assertThat(rig.pair.inFlight()).isEqualTo(3);

        rig.pair.commit();
        rig.device.complete(rig.device.fetch().get(1));
        rig.pair.poll(64);
        assertThat(rig.read(3, 3)).isZero();
        assertThat(rig.read(4, 4)).isEqualTo(QueuePair.QUEUE_FULL);
    }

    @Test
    void takesNoMoreCompletionsThanTheLimit() {
        rig(8);
        for (int i = 0; i < 5; i++) {
            rig.read(i, i);
        }
        rig.pair.commit();
        rig.device.fetch().forEach(rig.device::complete);

        assertThat(rig.pair.poll(2)).isEqualTo(2);
        assertThat(rig.pair.poll(2)).isEqualTo(2);
        assertThat(rig.pair.poll(2)).isEqualTo(1);
        assertThat(rig.pair.poll(2)).isZero();
    }

    @Test
    void handsTheDeviceOneTailForABatchAndOnlyAtTheEndOfPoll() {
        var tailsDuringPoll = new ArrayList<Integer>();
        var box = new AtomicReference<QueuePairRig>();
        rig = new QueuePairRig(8, false, (token, status, result) -> {
            var now = box.get();
            now.read(token, token + 10);
            now.pair.commit();
            tailsDuringPoll.add(Doorbell.load(now.tailWord, 0));
        });
        box.set(rig);
        rig.control.own(Thread.currentThread());
        rig.read(0, 0);
        rig.read(1, 1);
        assertThat(Doorbell.load(rig.tailWord, 0)).isZero();
        rig.pair.commit();
        rig.device.fetch().forEach(rig.device::complete);

        rig.pair.poll(64);

        assertThat(tailsDuringPoll).containsExactly(2, 2);
        assertThat(Doorbell.load(rig.tailWord, 0)).isEqualTo(4);
        assertThat(rig.control.counters().submissionDoorbells()).isEqualTo(2);
        assertThat(Doorbell.load(rig.headWord, 0)).isEqualTo(2);
    }

    @Test
    void signalsADeviceThatWantsItOnlyWhenADoorbellOfTheBarWasStored() {
        var access = new TestAccess();
        access.wantsSignal = true;
        var words = access.doorbells().asSlice(0, 16);
        var buffers = DmaRegion.allocate(access, 4096);
        var shadow = buffers.segment();
        var doorbells = new QueueDoorbells(
                new QueueDoorbells.Words(words.asSlice(0, 4), shadow.asSlice(0, 4), shadow.asSlice(64, 4)),
                new QueueDoorbells.Words(words.asSlice(4, 4), shadow.asSlice(4, 4), shadow.asSlice(68, 4)),
                access);
        Doorbell.store(shadow, 64, 2);
        Doorbell.store(shadow, 68, 9);

        doorbells.ring(0, 1);
        assertThat(access.signals).isZero();
        doorbells.ring(1, 2);
        assertThat(access.signals).isZero();
        doorbells.ring(1, 3);

        assertThat(access.signals).isEqualTo(1);
        assertThat(Doorbell.load(words, 0)).isEqualTo(3);
        assertThat(Doorbell.load(words, 4)).isZero();
        assertThat(Doorbell.load(shadow, 0)).isEqualTo(3);
        assertThat(Doorbell.load(shadow, 4)).isEqualTo(1);
        buffers.close();
        access.close();
    }

    // ------ completions that lie

    @Test
    void failsLoudlyWhenACompletionNamesNoCommandInFlight() {
        rig(8);
        rig.read(0, 0);
        rig.pair.commit();
        rig.device.fetch();

        rig.device.complete(5, 0, 0);

        assertThat(rig.pair.poll(64)).isZero();
        assertThat(rig.failures)
                .singleElement()
                .asString()
                .contains("cid 0005h", "slot 5, generation 0", "no command is in flight there", "never submitted");
    }

    @Test
    void failsLoudlyWhenACompletionComesTwice() {
        rig(8);
        rig.read(0, 7);
        rig.pair.commit();
        var command = rig.device.fetch().getFirst();
        rig.device.complete(command);
        rig.device.complete(command);

        assertThat(rig.pair.poll(64)).isEqualTo(1);

        assertThat(ends).extracting(End::token).containsExactly(7L);
        assertThat(rig.failures).singleElement().asString().contains("Read", "no command is in flight there");
    }

    @Test
    void failsLoudlyWhenACompletionIsOfAnEarlierGeneration() {
        rig(2);
        rig.read(0, 0);
        rig.pair.commit();
        var old = rig.device.fetch().getFirst();
        rig.device.complete(old);
        rig.pair.poll(64);
        rig.read(0, 1);
        rig.pair.commit();
        var now = rig.device.fetch().getFirst();
        assertThat(now.cid()).isNotEqualTo(old.cid());

        rig.device.complete(old);
        rig.pair.poll(64);

        assertThat(ends).extracting(End::token).containsExactly(0L);
        assertThat(rig.failures)
                .singleElement()
                .asString()
                .contains("generation 0", "that is not the command in flight", String.format("%04Xh", now.cid()));
    }

    @Test
    void failsLoudlyWhenACompletionIsOfAnotherQueue() {
        rig(8);
        rig.read(0, 0);
        rig.pair.commit();
        int cid = rig.device.fetch().getFirst().cid();

        rig.device.post(QueuePairRig.QUEUE_ID + 1, cid, 0, 0);
        rig.pair.poll(64);

        assertThat(ends).isEmpty();
        assertThat(rig.failures).singleElement().asString().contains("names submission queue 4");
    }

    @Test
    void endsWhatWasInFlightOnceAfterAFailureAndNotBeforeTheQueuesAreDeleted() {
        rig(8);
        rig.read(0, 0);
        rig.read(1, 1);
        rig.pair.commit();
        var commands = rig.device.fetch();
        rig.device.complete(99, 0, 0);
        rig.device.complete(commands.getFirst());
        var heard = new ArrayList<String>();
        rig.control.onFailure(heard::add);

        rig.pair.poll(64);

        assertThat(rig.read(2, 2)).isEqualTo(QueuePair.NOT_CONNECTED);
        assertThat(rig.pair.poll(64)).isZero();
        assertThat(rig.pair.inFlight()).isEqualTo(2);

        rig.control.failed(rig.failures.getFirst());

        assertThat(rig.pair.poll(64)).isEqualTo(2);
        assertThat(rig.pair.poll(64)).isZero();
        assertThat(ends)
                .containsExactlyInAnyOrder(
                        new End(0, Status.ABORTED_SQ_DELETION, 0), new End(1, Status.ABORTED_SQ_DELETION, 0));
        assertThat(heard).containsExactlyElementsOf(rig.failures);
    }

    // ------ commands of several parts

    @Test
    void splitsWhatIsLongerThanTheDeviceTakesAndEndsItOnce() {
        rig(8);

        rig.pair.write(QueuePairRig.NSID, 1000, 150, rig.data, 4096, QueuePair.FUA, 77);
        rig.pair.commit();
        var commands = rig.device.fetch();

        assertThat(commands).extracting(RingDevice.Command::slba).containsExactly(1000L, 1064L, 1128L);
        assertThat(commands).extracting(RingDevice.Command::blockCount).containsExactly(64, 64, 22);
        assertThat(commands).allMatch(command -> command.opc() == NvmOpcode.WRITE);
        assertThat(commands).allMatch(command -> (command.cdw12() & QueuePair.FUA) != 0);
        assertThat(commands)
                .extracting(command -> command.prp1() - rig.data.iova())
                .containsExactly(4096L, 4096L + 32768, 4096L + 65536);
        assertThat(rig.pair.inFlight()).isEqualTo(3);
        rig.device.complete(commands.get(2));
        rig.device.complete(commands.get(0));
        assertThat(rig.pair.poll(64)).isZero();
        rig.device.complete(commands.get(1));
        assertThat(rig.pair.poll(64)).isEqualTo(1);
        assertThat(ends).containsExactly(new End(77, 0, 0));
        assertThat(rig.pair.inFlight()).isZero();
    }

    @Test
    void splitsAsOftenAsThereAreSlotsWhateverPartsOfOthersAreLeft() {
        rig(5);

        for (int token = 0; token < 3; token++) {
            assertThat(rig.pair.read(QueuePairRig.NSID, 0, 100, rig.data, 0, 0, token))
                    .isZero();
            rig.pair.commit();
            rig.device.complete(rig.device.fetch().getFirst());
            assertThat(rig.pair.poll(8)).isZero();
        }

        assertThat(rig.pair.inFlight()).as("one part of each").isEqualTo(3);
    }

    @Test
    void splitsAtTheBoundaryOfTheNamespace() {
        rig(16);

        rig.pair.read(QueuePairRig.NSID_WITH_BOUNDARY, 12, 40, rig.data, 0, 0, 1);
        rig.pair.read(QueuePairRig.NSID_WITH_BOUNDARY, 16, 16, rig.data, 0, 0, 2);
        rig.pair.commit();

        var commands = rig.device.fetch();
        assertThat(commands).extracting(RingDevice.Command::slba).containsExactly(12L, 16L, 32L, 48L, 16L);
        assertThat(commands).extracting(RingDevice.Command::blockCount).containsExactly(4, 16, 16, 4, 16);
    }

    @Test
    void theFirstErrorOfThePartsIsTheCommands() {
        rig(8);
        rig.pair.read(QueuePairRig.NSID, 0, 192, rig.data, 0, 0, 5);
        rig.pair.commit();
        var commands = rig.device.fetch();

        rig.device.complete(commands.get(1), Status.UNRECOVERED_READ_ERROR | Status.DNR);
        rig.device.complete(commands.get(2), Status.LBA_OUT_OF_RANGE);
        rig.device.complete(commands.get(0));
        rig.pair.poll(64);

        assertThat(ends).containsExactly(new End(5, Status.UNRECOVERED_READ_ERROR | Status.DNR, 0));
        assertThat(rig.control.counters().failed()).isEqualTo(1);
    }

    @Test
    void acceptsAllPartsOrNone() {
        rig(4);
        rig.read(0, 0);

        assertThat(rig.pair.read(QueuePairRig.NSID, 0, 192, rig.data, 0, 0, 1)).isEqualTo(QueuePair.QUEUE_FULL);
        assertThat(rig.pair.inFlight()).isEqualTo(1);
        assertThat(rig.pair.read(QueuePairRig.NSID, 0, 128, rig.data, 0, 0, 1)).isZero();
        assertThat(rig.pair.inFlight()).isEqualTo(3);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rig.pair.read(QueuePairRig.NSID, 0, 256, rig.data, 0, 0, 2))
                .withMessageContaining("more commands than the 3");
    }

    @Test
    void putsTheFusedPairSideBySideAndEndsItOnceWithTheCauseOfItsFailure() {
        rig(4);
        // So that the pair stands on the last and the first entry.
        for (int i = 0; i < 3; i++) {
            rig.read(i, i);
            rig.pair.commit();
            rig.device.fetch().forEach(rig.device::complete);
            rig.pair.poll(64);
        }
        ends.clear();

        assertThat(rig.pair.compareAndWrite(QueuePairRig.NSID, 40, 1, rig.data, 0, rig.data, 4096, 9))
                .isZero();
        rig.pair.commit();
        var commands = rig.device.fetch();

        assertThat(commands).extracting(RingDevice.Command::opc).containsExactly(NvmOpcode.COMPARE, NvmOpcode.WRITE);
        assertThat(commands)
                .extracting(RingDevice.Command::fuse)
                .containsExactly(SubmissionEntry.FUSE_FIRST, SubmissionEntry.FUSE_SECOND);
        rig.device.complete(commands.get(1), Status.ABORTED_FAILED_FUSED);
        rig.device.complete(commands.get(0), Status.COMPARE_FAILURE);
        assertThat(rig.pair.poll(64)).isEqualTo(1);
        assertThat(ends).containsExactly(new End(9, Status.COMPARE_FAILURE, 0));
        assertThat(rig.read(0, 1)).isZero();
        assertThat(rig.read(0, 2)).isZero();
        assertThat(rig.pair.compareAndWrite(QueuePairRig.NSID, 40, 1, rig.data, 0, rig.data, 4096, 9))
                .isEqualTo(QueuePair.QUEUE_FULL);
    }

    @Test
    void submitsAnyCommandAsItIs() {
        rig(4);
        var command = new NvmCommand().reset(NvmOpcode.WRITE_ZEROES, 1).slba(0x1_0000_0007L);
        command.cdw12 = 15;
        command.cdw2 = 2;
        command.cdw3 = 3;
        command.cdw13 = 13;
        command.cdw14 = 14;
        command.cdw15 = 15;

        rig.pair.submit(command, null, 0, 0, 1);
        rig.pair.submit(new NvmCommand().reset(NvmOpcode.DATASET_MANAGEMENT, 1), rig.data, 512, 4096, 2);
        rig.pair.commit();

        var fetched = rig.device.fetch();
        assertThat(fetched.getFirst().opc()).isEqualTo(NvmOpcode.WRITE_ZEROES);
        assertThat(fetched.getFirst().slba()).isEqualTo(0x1_0000_0007L);
        assertThat(fetched.getFirst().prp1()).isZero();
        var ring = rig.memory.submissionRing(rig.arena);
        assertThat(SubmissionEntry.cdw2(ring, 0)).isEqualTo(2);
        assertThat(SubmissionEntry.cdw3(ring, 0)).isEqualTo(3);
        assertThat(SubmissionEntry.cdw13(ring, 0)).isEqualTo(13);
        assertThat(SubmissionEntry.cdw14(ring, 0)).isEqualTo(14);
        assertThat(SubmissionEntry.cdw15(ring, 0)).isEqualTo(15);
        assertThat(fetched.get(1).prp1()).isEqualTo(rig.data.iova() + 512);
        assertThat(fetched.get(1).prp2()).isEqualTo(rig.data.iova() + 4096);
    }

    @Test
    void refusesDataOutsideOfItsMemoryAndBlocksThatAreNotThere() {
        rig(4);
        var small = new DmaMemory(rig.data.segment().asSlice(0, 4096), rig.data.iova());

        assertThatIllegalArgumentException().isThrownBy(() -> rig.pair.read(1, 0, 8, small, 4, 0, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> rig.pair.read(1, 0, 9, small, 0, 0, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> rig.pair.read(1, 0, 1, small, -512, 0, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> rig.pair.read(1, 0, 1, small, 2, 0, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> rig.pair.read(1, 0, 1, small, Long.MAX_VALUE, 0, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> rig.pair.read(1, 0, 0, small, 0, 0, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> rig.pair.read(1, 0, -1, small, 0, 0, 0));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rig.pair.read(99, 0, 1, small, 0, 0, 0))
                .withMessageContaining("no namespace 99");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rig.pair.submit(
                        new NvmCommand().reset(NvmOpcode.COMPARE, 1),
                        rig.data,
                        0,
                        QueuePairRig.MAX_TRANSFER_BYTES + 1,
                        0));
        assertThat(rig.pair.inFlight()).isZero();
    }

    // ------ owner and control plane

    @Test
    void belongsToItsOwner() throws InterruptedException {
        rig(4);
        var thrown = new ArrayList<Throwable>();

        var other = Thread.ofPlatform().name("stranger").start(() -> {
            thrown.add(catchThrowable(() -> rig.read(0, 0)));
            thrown.add(catchThrowable(() -> rig.pair.poll(1)));
            thrown.add(catchThrowable(() -> rig.pair.commit()));
        });
        other.join();

        assertThat(thrown).hasSize(3).allMatch(e -> e instanceof WrongThreadException);
        assertThat(thrown.getFirst()).hasMessageContaining("not by stranger");
    }

    private static Throwable catchThrowable(Runnable action) {
        try {
            action.run();
            return null;
        } catch (RuntimeException e) {
            return e;
        }
    }

    @Test
    void changesOwnerOnlyAtRestOrWhenTheOwnerHasEnded() throws InterruptedException {
        rig(4);
        rig.read(0, 0);

        assertThatIllegalStateException()
                .isThrownBy(() -> rig.control.own(new Thread()))
                .withMessageContaining("1 commands in flight");

        rig.pair.commit();
        rig.device.fetch().forEach(rig.device::complete);
        rig.pair.poll(1);
        var next = new Thread(() -> rig.read(1, 1));
        rig.control.own(next);
        assertThatExceptionOfType(WrongThreadException.class).isThrownBy(() -> rig.read(0, 0));
        next.start();
        next.join();

        rig.control.own(Thread.currentThread());
        rig.pair.commit();
        rig.device.fetch().forEach(rig.device::complete);
        assertThat(rig.pair.poll(1)).isEqualTo(1);
        assertThat(ends).extracting(End::token).containsExactly(0L, 1L);
    }

    @Test
    void refusesSubmissionsWhileItIsTakenBackAndDrains() {
        rig(4);
        rig.read(0, 0);

        rig.control.stopSubmissions();

        assertThat(rig.read(1, 1)).isEqualTo(QueuePair.LEASE_REVOKED);
        rig.pair.commit();
        rig.device.fetch().forEach(rig.device::complete);
        assertThat(rig.pair.poll(1)).isEqualTo(1);
        assertThatIllegalStateException().isThrownBy(() -> rig.control.own(Thread.currentThread()));
    }

    @Test
    void endsWhatIsLeftOnTheOwnersThreadAfterTheFenceAndThenThrows() {
        rig(8);
        rig.read(0, 0);
        rig.pair.read(QueuePairRig.NSID, 0, 128, rig.data, 0, 0, 1);
        rig.pair.commit();
        rig.device.fetch();

        rig.fence("operator");

        assertThatIllegalStateException().isThrownBy(() -> rig.read(2, 2)).withMessageContaining("fenced: operator");
        assertThat(rig.pair.poll(1)).isEqualTo(1);
        assertThat(rig.pair.poll(64)).isEqualTo(1);
        assertThatIllegalStateException().isThrownBy(() -> rig.pair.poll(1)).withMessageContaining("fenced: operator");
        assertThatIllegalStateException().isThrownBy(() -> rig.pair.commit());
        assertThat(ends)
                .containsExactlyInAnyOrder(
                        new End(0, Status.ABORTED_SQ_DELETION, 0), new End(1, Status.ABORTED_SQ_DELETION, 0));
        assertThat(rig.access.mappings())
                .as("rings are unmapped, data and shadows are not")
                .isEqualTo(2);
    }

    @Test
    void endsWhatIsLeftWhenTheOwnerMeetsTheClosedArenaFirst() {
        rig(8);
        rig.read(0, 0);
        rig.pair.commit();
        rig.control.stopSubmissions();
        rig.control.delete(Duration.ofSeconds(1));

        rig.closeArena();

        assertThat(rig.pair.poll(64)).isEqualTo(1);
        assertThat(ends).containsExactly(new End(0, Status.ABORTED_SQ_DELETION, 0));
        assertThatIllegalStateException().isThrownBy(() -> rig.pair.poll(64));
        rig.control.fenced("late");
        assertThatIllegalStateException().isThrownBy(() -> rig.pair.poll(64)).withMessageContaining("late");
    }

    @Test
    void keepsTheOrderOfTheEnd() {
        rig(8);

        assertThatIllegalStateException()
                .isThrownBy(() -> rig.control.fenced("x"))
                .withMessageContaining("deleted");
        assertThatIllegalStateException().isThrownBy(() -> rig.control.completeRest());
        rig.control.delete(Duration.ofSeconds(1));
        assertThatIllegalStateException()
                .isThrownBy(() -> rig.control.fenced("x"))
                .withMessageContaining("arena");
        rig.closeArena();
        rig.control.fenced("x");
        rig.control.fenced("again");
        assertThatIllegalStateException()
                .isThrownBy(() -> rig.control.completeRest())
                .withMessageContaining("lives");
    }

    @Test
    void endsTheRestForAnOwnerThatHasEnded() throws InterruptedException {
        rig(8);
        var owner = new Thread(() -> {
            rig.read(0, 0);
            rig.read(1, 1);
            rig.pair.commit();
        });
        rig.control.own(owner);
        owner.start();
        owner.join();
        rig.fence("owner thread dead");

        assertThat(rig.control.completeRest()).isEqualTo(2);

        assertThat(rig.control.completeRest()).isZero();
        assertThat(ends).extracting(End::token).containsExactlyInAnyOrder(0L, 1L);
    }

    @Test
    void countsACommandAsInFlightUntilItsHandlerHasReturned() throws InterruptedException {
        var entered = new CountDownLatch(1);
        var leave = new CountDownLatch(1);
        rig = new QueuePairRig(4, false, (token, status, result) -> {
            entered.countDown();
            awaitQuietly(leave);
        });
        var owner = new Thread(() -> {
            rig.read(0, 0);
            rig.pair.commit();
            rig.device.fetch().forEach(rig.device::complete);
            rig.pair.poll(1);
        });
        rig.control.own(owner);
        owner.start();
        entered.await();

        assertThat(rig.pair.inFlight()).isEqualTo(1);

        leave.countDown();
        owner.join();
        assertThat(rig.pair.inFlight()).isZero();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void staysInOrderWhenAHandlerThrows() {
        var box = new AtomicReference<QueuePairRig>();
        rig = new QueuePairRig(4, false, (token, status, result) -> {
            ends.add(new End(token, status, result));
            if (token == 0) {
                box.get().pair.poll(1);
            }
        });
        box.set(rig);
        rig.control.own(Thread.currentThread());
        rig.read(0, 0);
        rig.read(1, 1);
        rig.pair.commit();
        rig.device.fetch().forEach(rig.device::complete);

        assertThatIllegalStateException()
                .isThrownBy(() -> rig.pair.poll(64))
                .withMessageContaining("by a completion handler");

        assertThat(rig.pair.poll(64)).isEqualTo(1);
        assertThat(ends).extracting(End::token).containsExactly(0L, 1L);
        assertThat(Doorbell.load(rig.headWord, 0)).isEqualTo(2);
        assertThat(rig.pair.inFlight()).isZero();
    }

    // ------ time

    @Test
    void asksForAnAbortOnceAndThenForAReset() {
        long start = System.nanoTime();
        rig(4);
        // However long that took.
        rig.clock.advance(start);
        rig.read(0, 0);
        rig.pair.commit();
        var command = rig.device.fetch().getFirst();

        advance(start, QueuePairRig.TIMEOUT_MILLIS - 100);
        rig.read(1, 1);
        rig.pair.poll(1);
        assertThat(rig.timedOut).isEmpty();
        advance(start, QueuePairRig.TIMEOUT_MILLIS + 100);
        rig.pair.poll(1);
        rig.pair.poll(1);
        assertThat(rig.timedOut).containsExactly(command.cid());
        assertThat(rig.stuck).isEmpty();
        advance(start, QueuePairRig.TIMEOUT_MILLIS + 150 + QueuePairRig.ABORT_MILLIS);
        rig.pair.poll(1);

        assertThat(rig.timedOut).containsExactly(command.cid());
        assertThat(rig.stuck).containsExactly(command.cid());
        rig.device.complete(command, Status.ABORTED_BY_REQUEST);
        assertThat(rig.pair.poll(1)).isEqualTo(1);
        assertThat(ends).containsExactly(new End(0, Status.ABORTED_BY_REQUEST, 0));
        assertThat(rig.failures).isEmpty();
    }

    private void advance(long startNanos, long millis) {
        // In steps, as the admin thread does: one jump is taken for a pause of this machine.
        for (long at = rig.clock.millis; at <= millis; at += 50) {
            rig.clock.advance(startNanos + at * 1_000_000);
        }
        rig.clock.advance(startNanos + millis * 1_000_000);
    }

    @Test
    void endsNothingBehindTheFenceBeforeTheQueuesAreDeleted() {
        var ended = new ArrayList<Long>();
        try (var held = new QueuePairRig(8, false, (token, status, result) -> ended.add(token))) {
            held.control.own(Thread.currentThread());
            held.read(0, 5);
            held.pair.commit();
            held.control.stopSubmissions();
            held.closeArena();

            assertThat(held.pair.poll(8)).isZero();
            assertThat(held.pair.inFlight()).isEqualTo(1);

            held.control.delete(Duration.ofSeconds(1));
            assertThat(held.pair.poll(8)).isEqualTo(1);
            assertThat(ended).containsExactly(5L);
            assertThatIllegalStateException().isThrownBy(() -> held.pair.poll(8));
        }
    }
}
