package io.doorbell.fabrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.doorbell.fabrics.Wireless.Answer;
import io.doorbell.fabrics.Wireless.Capsules;
import io.doorbell.fabrics.auth.DhchapHost;
import io.doorbell.fabrics.auth.DhchapOffer;
import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.DhchapGroup;
import io.doorbell.nvme.DhchapHash;
import io.doorbell.nvme.DhchapKey;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Status;
import io.doorbell.platform.PrivateFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Hosts that have to show who they are, on queues of a target. */
class AuthenticationTest {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final DhchapKey KEY = DhchapKey.generate(DhchapHash.SHA_256, 32, RANDOM);
    private static final DhchapKey CONTROLLER_KEY = DhchapKey.generate(DhchapHash.SHA_384, 48, RANDOM);
    private static final DhchapKey OTHER_KEY = DhchapKey.generate(DhchapHash.SHA_256, 32, RANDOM);

    @TempDir
    private Path folder;

    private final Wireless wireless = new Wireless();
    private FabricHost known;

    @BeforeEach
    void aHostThatHasKeys() throws IOException {
        PrivateFile.create(folder.resolve("host"), KEY.text());
        PrivateFile.create(folder.resolve("controller"), CONTROLLER_KEY.text());
        known = at(Set.of());
        wireless.target.add(known);
    }

    private FabricHost at(Set<String> subsystems) {
        return new FabricHost(
                Wireless.HOST,
                subsystems,
                new HostKeys(folder.resolve("host"), folder.resolve("controller"), DhchapOffer.DEFAULT, null));
    }

    @AfterEach
    void end() {
        wireless.close();
    }

    private static Answer authentication(Capsules host, int type, int bytes) {
        var command = host.fabrics(type);
        command.cdw10 = FabricsCommand.authenticationDword10();
        command.cdw11 = bytes;
        return command;
    }

    private static Answer send(Capsules host, byte[] message) {
        return host.await(host.send(authentication(host, FabricsCommand.AUTHENTICATION_SEND, message.length), message));
    }

    private static Answer receive(Capsules host, int room) {
        return host.await(host.send(authentication(host, FabricsCommand.AUTHENTICATION_RECEIVE, room), null));
    }

    /** As a host does it; returns how that ended. */
    private static DhchapHost authenticate(Capsules capsules, DhchapKey key, DhchapKey controllerKey) {
        var host = new DhchapHost(
                key, controllerKey, DhchapOffer.DEFAULT, Wireless.HOST, Wireless.NQN, RANDOM.nextInt(), RANDOM);
        while (!host.isOver()) {
            if (host.sends()) {
                assertThat(send(capsules, host.next()).status).isZero();
            } else {
                var answer = receive(capsules, DhchapHost.MAX_MESSAGE_BYTES);
                assertThat(answer.status).isZero();
                host.take(answer.data);
            }
        }
        return host;
    }

    private Capsules admin() {
        var host = wireless.host();
        var answer = host.connect(0, 31, 0xFFFF, 0);
        assertThat(answer.status).isZero();
        assertThat(answer.result & ~0xFFFFL).isEqualTo(FabricsCommand.CONNECT_AUTHREQ_ATR);
        return host;
    }

    private Capsules io(Answer connected) {
        var queue = wireless.host();
        var answer = queue.connect(1, 31, (int) connected.result & 0xFFFF, 0);
        assertThat(answer.status).isZero();
        assertThat(answer.result).isEqualTo(connected.result);
        return queue;
    }

    @Test
    void nothingButAuthenticationIsTakenBeforeItHasSucceeded() {
        var host = admin();

        assertThat(host.property(Registers.CAP, 8).code()).isEqualTo(FabricsStatus.AUTHENTICATION_REQUIRED);
        assertThat(host.enable().code()).isEqualTo(FabricsStatus.AUTHENTICATION_REQUIRED);
        for (int opc : new int[] {AdminOpcode.IDENTIFY, AdminOpcode.KEEP_ALIVE, AdminOpcode.ABORT}) {
            assertThat(host.send(host.command(opc), null).code()).isEqualTo(FabricsStatus.AUTHENTICATION_REQUIRED);
        }
        assertThat(authenticate(host, KEY, CONTROLLER_KEY).isAuthenticated()).isTrue();

        assertThat(host.property(Registers.CAP, 8).status).isZero();
        assertThat(host.enable().status).isZero();
        assertThat(host.property(Registers.CSTS, 4).result).isEqualTo(1);
    }

    @Test
    void everyQueueOfTheHostAuthenticatesItself() {
        var host = wireless.host();
        var connected = host.connect(0, 31, 0xFFFF, 0);
        assertThat(authenticate(host, KEY, null).isAuthenticated()).isTrue();
        host.enable();
        var queue = io(connected);
        var early = queue.command(NvmOpcode.FLUSH);
        early.nsid = 1;

        assertThat(queue.send(early, null).code()).isEqualTo(FabricsStatus.AUTHENTICATION_REQUIRED);
        assertThat(authenticate(queue, KEY, null).isAuthenticated()).isTrue();
        var flush = queue.command(NvmOpcode.FLUSH);
        flush.nsid = 1;

        assertThat(queue.await(queue.send(flush, null)).status).isZero();
    }

    @Test
    void whoDoesNotKnowTheKeyLosesItsConnection() {
        var host = admin();

        var refused = authenticate(host, OTHER_KEY, null);

        assertThat(refused.isAuthenticated()).isFalse();
        assertThat(refused.reason()).contains("authentication failed");
        wireless.until(() -> host.closed);
    }

    @Test
    void aHostMayAuthenticateItselfAgainAndWorksMeanwhile() throws IOException {
        var host = admin();
        authenticate(host, KEY, CONTROLLER_KEY);
        host.enable();
        PrivateFile.create(folder.resolve("host"), OTHER_KEY.text());

        var again = new DhchapHost(OTHER_KEY, null, DhchapOffer.DEFAULT, Wireless.HOST, Wireless.NQN, 7, RANDOM);
        send(host, again.next());
        assertThat(host.property(Registers.CSTS, 4).result).isEqualTo(1);
        again.take(receive(host, 4096).data);
        send(host, again.next());
        again.take(receive(host, 4096).data);

        assertThat(again.isAuthenticated()).isTrue();
        assertThat(authenticate(host, KEY, null).isAuthenticated()).isFalse();
        wireless.until(() -> host.closed);
    }

    @Test
    void commandsOfAnotherProtocolOrWithALengthThatCannotBeAreRefused() {
        var host = admin();
        var other = authentication(host, FabricsCommand.AUTHENTICATION_SEND, 8);
        other.cdw10 = 0xEA_01_01_00;
        assertThat(host.send(other, new byte[8]).code()).isEqualTo(Status.INVALID_FIELD);
        for (int length : new int[] {0, -1, 8193, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            for (int type : new int[] {FabricsCommand.AUTHENTICATION_SEND, FabricsCommand.AUTHENTICATION_RECEIVE}) {
                assertThat(host.send(authentication(host, type, length), null).code())
                        .isEqualTo(Status.INVALID_FIELD);
            }
        }

        // One after another.
        var first = host.send(authentication(host, FabricsCommand.AUTHENTICATION_RECEIVE, 64), null);
        var second = host.send(authentication(host, FabricsCommand.AUTHENTICATION_RECEIVE, 64), null);
        assertThat(second.code()).isEqualTo(Status.COMMAND_SEQUENCE_ERROR);
        assertThat(host.await(first).status).isZero();
        assertThat(first.data[1]).isEqualTo((byte) 0xF1);
    }

    @Test
    void aHostWithoutKeysIsTakenByItsNameUnlessTheSubsystemWantsMore() {
        wireless.target.remove(known);
        var host = wireless.connected();

        assertThat(host.send(authentication(host, FabricsCommand.AUTHENTICATION_SEND, 8), new byte[8])
                        .code())
                .isEqualTo(Status.INVALID_OPCODE);
        try (var wary = new Guarded(Set.of(Wireless.HOST))) {
            wary.authentic = true;
            wireless.target.add(wary);
            var refused = wireless.host()
                    .connect(0, 31, 0, 0, Wireless.data(Guarded.NQN, Wireless.HOST, Wireless.HOST_ID, 0xFFFF));
            assertThat(refused.code()).isEqualTo(FabricsStatus.CONNECT_INVALID_HOST);

            wireless.target.add(known);
            var asked = wireless.host();
            var answer =
                    asked.connect(0, 31, 0, 0, Wireless.data(Guarded.NQN, Wireless.HOST, Wireless.HOST_ID, 0xFFFF));
            assertThat(answer.status).isZero();
            assertThat(answer.result & FabricsCommand.CONNECT_AUTHREQ_ATR).isNotZero();
            asked.close();
            wireless.target.remove(wary);
        }
    }

    @Test
    void aHostHasToShowWhoItIsWhereItsFileSaysSo() {
        var free = wireless.host();
        assertThat(free.connect(0, 31, 0, 0, Wireless.discovery()).result & FabricsCommand.CONNECT_AUTHREQ_ATR)
                .isZero();
        wireless.target.remove(known);
        wireless.target.add(at(Set.of(Nqn.DISCOVERY, Wireless.OTHER_NQN)));

        assertThat(wireless.host().connect(0, 31, 0, 0, Wireless.discovery()).result
                        & FabricsCommand.CONNECT_AUTHREQ_ATR)
                .isNotZero();
        assertThat(wireless.host().connect(0, 31, 0xFFFF, 0).result & FabricsCommand.CONNECT_AUTHREQ_ATR)
                .isZero();
    }

    @Test
    void aKeyThatOthersCanReadLetsNobodyIn() throws IOException {
        Files.setPosixFilePermissions(folder.resolve("host"), PosixFilePermissions.fromString("rw-r--r--"));
        var host = admin();

        assertThat(authenticate(host, KEY, null).isAuthenticated()).isFalse();
        wireless.until(() -> host.closed);
    }

    @Test
    void aHostThatComesAgainAndAgainFillsNoLogWithAKeyThatCannotBeHad() throws IOException {
        Files.setPosixFilePermissions(folder.resolve("host"), PosixFilePermissions.fromString("rw-r--r--"));
        var log = (Logger) LoggerFactory.getLogger("io.doorbell.fabrics");
        var written = new ListAppender<ILoggingEvent>();
        written.list = new CopyOnWriteArrayList<>(); // Others may log meanwhile.
        written.start();
        log.addAppender(written);
        // A second that does not end.
        var complaints = new Complaints(LoggerFactory.getLogger(FabricTarget.class), "hosts", () -> 0);
        try (var standing = new Wireless(new FabricTarget(Runnable::run, complaints))) {
            standing.target.add(known);

            for (int i = 0; i < 2 * Complaints.PER_SECOND; i++) {
                var host = standing.host();
                assertThat(host.connect(0, 31, 0xFFFF, 0).status).isZero();
                assertThat(authenticate(host, KEY, null).isAuthenticated()).isFalse();
                standing.until(() -> host.closed);
            }
        } finally {
            log.detachAppender(written);
        }

        assertThat(written.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .filteredOn(line -> line.contains("cannot be authenticated"))
                .hasSizeBetween(1, Complaints.PER_SECOND)
                .allMatch(line -> line.contains(Wireless.HOST)
                        && line.contains(folder.resolve("host").toString()));
    }

    @Test
    void aHostThatNeverFinishesLosesItsConnection() {
        var host = admin();
        var slow = admin();
        send(slow, new DhchapHost(KEY, null, DhchapOffer.DEFAULT, Wireless.HOST, Wireless.NQN, 1, RANDOM).next());
        long late = System.nanoTime() + QueueAuthentication.STEP_BOUND_NANOS;

        host.queue.poll(late - 1_000_000_000L);
        assertThat(host.disconnected).isNull();
        host.queue.poll(late + 1_000_000_000L);
        slow.queue.poll(late + 1_000_000_000L);

        assertThat(host.disconnected).contains("has not authenticated itself in time");
        assertThat(slow.disconnected).contains("has not authenticated itself in time");
    }

    @Test
    void aConnectionMayGoWhileAMessageIsComputedWith() {
        for (int i = 0; i < 20; i++) {
            var host = admin();
            var offer = new DhchapOffer(DhchapOffer.DEFAULT.hashes(), java.util.List.of(DhchapGroup.FFDHE3072));
            send(host, new DhchapHost(KEY, null, offer, Wireless.HOST, Wireless.NQN, 1, RANDOM).next());
            var pending = host.send(authentication(host, FabricsCommand.AUTHENTICATION_RECEIVE, 4096), null);

            host.close();

            assertThat(pending.done()).isFalse();
        }
        assertThat(authenticate(admin(), KEY, null).isAuthenticated()).isTrue();
    }

    @Test
    void refusesAHostThatCannotBe() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new FabricHost("me", Set.of(), HostKeys.NONE))
                .withMessageContaining("NVMe Qualified Name");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new HostKeys(null, folder.resolve("c"), DhchapOffer.DEFAULT, null))
                .withMessageContaining("none of its own");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DhchapOffer.parse(java.util.List.of("sha256", "sha256"), java.util.List.of()))
                .withMessageContaining("none twice");
    }
}
