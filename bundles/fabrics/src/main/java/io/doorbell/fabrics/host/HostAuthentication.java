package io.doorbell.fabrics.host;

import io.doorbell.fabrics.auth.DhchapHost;
import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * This host shows a controller who it is, on one queue. NVMe Base 2.1 §8.3.4.5 "DH-HMAC-CHAP Protocol". Blocks.
 *
 * @param attempted for messages
 * @param bound of each step
 */
record HostAuthentication(
        String attempted,
        HostKeys keys,
        String hostNqn,
        String subsystemNqn,
        HostConnection connection,
        Duration bound) {
    private static final SecureRandom RANDOM = new SecureRandom();

    /** T_ID: another one for each transaction of this process. */
    private static final AtomicInteger TRANSACTION = new AtomicInteger(RANDOM.nextInt());

    /** A computation of the other side may take longer than a command: the largest group, a busy machine. */
    private static final Duration LEAST_BOUND = Duration.ofSeconds(15);

    /** @throws NvmeException of kind GIVE_UP when one of the two is not who the other expects */
    void run() {
        var host = begin();
        while (!host.isOver()) {
            if (host.sends()) {
                exchange(FabricsCommand.AUTHENTICATION_SEND, MemorySegment.ofArray(host.next()));
            } else {
                var room = new byte[DhchapHost.MAX_MESSAGE_BYTES];
                exchange(FabricsCommand.AUTHENTICATION_RECEIVE, MemorySegment.ofArray(room));
                host.take(room);
            }
        }
        if (!host.isAuthenticated()) {
            throw new NvmeException(NvmeException.Kind.GIVE_UP, attempted, host.reason());
        }
    }

    private DhchapHost begin() {
        if (keys.key() == null) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP,
                    attempted,
                    "the controller wants to know who this host is: a key for DH-HMAC-CHAP is needed (dhchap.key)");
        }
        try {
            return new DhchapHost(
                    keys.dhchap(),
                    keys.controller(),
                    keys.offer(),
                    hostNqn,
                    subsystemNqn,
                    TRANSACTION.incrementAndGet(),
                    RANDOM);
        } catch (IOException wrong) {
            throw new NvmeException(NvmeException.Kind.GIVE_UP, attempted, wrong.getMessage());
        }
    }

    private void exchange(int type, MemorySegment data) {
        var command = new NvmCommand().reset(AdminOpcode.FABRICS, type);
        command.cdw10 = FabricsCommand.authenticationDword10();
        command.cdw11 = (int) data.byteSize();
        var answer = connection.execute(command, data, bound.compareTo(LEAST_BOUND) > 0 ? bound : LEAST_BOUND);
        if (answer.status() != Status.SUCCESS) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP,
                    attempted,
                    FabricsCommand.name(type) + " is refused with " + FabricsStatus.name(answer.status()));
        }
    }
}
