package io.doorbell.fabrics.host;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.QueuePairSet;
import io.doorbell.driver.TransferLimits;
import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.nvme.Nqn;
import java.time.Duration;
import java.util.Objects;
import java.util.UUID;

/**
 * How a controller over a network is driven, whatever the network. Start from {@link #of}.
 *
 * @param hostNqn who we are
 * @param hostId the same as a number; controllers know a host by both
 * @param adminTimeout an admin command that takes longer is aborted, and if that does not help the controller is reset
 * @param ioTimeout the same for I/O commands; zero waits for ever
 * @param connectTimeout how long a connection, with Connect, may take
 * @param keepAlive how long either side may be silent (KATO); zero for ever
 * @param adminQueueEntries entries of the admin queue
 * @param maxQueueEntries entries of an I/O queue at most
 * @param maxQueuePairs queue pairs asked for; the controller may grant fewer
 * @param maxTransferBytes longest command, where the controller does not set a lower limit
 * @param retries times that a command is given to the controller again which says that this may help
 * @param reconnectDelay pause between two attempts to reach a controller that was lost
 * @param lossTimeout how long that is tried
 * @param keys by which this host shows who it is
 */
public record FabricHostOptions(
        String hostNqn,
        UUID hostId,
        Duration adminTimeout,
        Duration ioTimeout,
        Duration connectTimeout,
        Duration keepAlive,
        int adminQueueEntries,
        int maxQueueEntries,
        int maxQueuePairs,
        int maxTransferBytes,
        int retries,
        Duration reconnectDelay,
        Duration lossTimeout,
        HostKeys keys) {

    /** KATO counts milliseconds in 32 bits; nobody means more than this. */
    private static final Duration LONGEST_KEEP_ALIVE = Duration.ofHours(1);

    public FabricHostOptions {
        Nqn.check("host NQN", hostNqn);
        Objects.requireNonNull(hostId, "hostId");
        Objects.requireNonNull(keys, "keys");
        requirePositive("admin timeout", adminTimeout);
        requirePositive("connect timeout", connectTimeout);
        requirePositive("reconnect delay", reconnectDelay);
        if (ioTimeout.isNegative() || lossTimeout.isNegative()) {
            throw new IllegalArgumentException(
                    "I/O timeout " + ioTimeout + ", loss timeout " + lossTimeout + ": must not be negative");
        }
        if (keepAlive.isNegative() || keepAlive.compareTo(LONGEST_KEEP_ALIVE) > 0) {
            throw new IllegalArgumentException("keep alive " + keepAlive + ": 0 to " + LONGEST_KEEP_ALIVE);
        }
        requireRange("admin queue entries", adminQueueEntries, AdminQueue.MIN_ENTRIES, 4096);
        requireRange("queue entries", maxQueueEntries, 2, QueuePairSet.MAX_ENTRIES);
        requireRange("queue pairs", maxQueuePairs, 1, 65_534);
        requireRange("longest transfer", maxTransferBytes, 4096, TransferLimits.MOST_BYTES);
        requireRange("retries", retries, 0, 255);
    }

    private static void requirePositive(String what, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(what + " " + value + ": must be positive");
        }
    }

    private static void requireRange(String what, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(what + " " + value + ": " + least + " to " + most);
        }
    }

    /** The name of a host that has no domain. NVMe Base 2.1 §4.7 "NVMe Qualified Names". */
    public static String nqn(UUID hostId) {
        return "nqn.2014-08.org.nvmexpress:uuid:" + hostId;
    }

    /** A host of this identifier, and all else as it is mostly wanted. */
    public static FabricHostOptions of(UUID hostId) {
        return new FabricHostOptions(
                nqn(hostId),
                hostId,
                Duration.ofSeconds(10),
                Duration.ofSeconds(30),
                Duration.ofSeconds(5),
                Duration.ofSeconds(10),
                32,
                128,
                128,
                1 << 20,
                4,
                Duration.ofSeconds(2),
                Duration.ofMinutes(10),
                HostKeys.NONE);
    }

    /** As a configuration has it. */
    public static FabricHostOptions of(FabricHostConfig config, int queueEntries, HostKeys keys) {
        var hostId = HostName.id(config.host_id());
        return new FabricHostOptions(
                config.host_nqn().isBlank() ? nqn(hostId) : config.host_nqn().strip(),
                hostId,
                Duration.ofMillis(config.admin_timeout_ms()),
                Duration.ofMillis(config.io_timeout_ms()),
                Duration.ofMillis(config.connect_timeout_ms()),
                Duration.ofMillis(config.keep_alive_ms()),
                32,
                queueEntries,
                config.queue_pairs(),
                config.max_transfer_kib() * 1024,
                config.io_retries(),
                Duration.ofMillis(config.reconnect_delay_ms()),
                Duration.ofSeconds(config.loss_timeout_s()),
                keys);
    }

    /** The same with other times for what goes wrong. */
    public FabricHostOptions withTimes(Duration connect, Duration keepAliveTimeout, Duration delay, Duration loss) {
        return new FabricHostOptions(
                hostNqn,
                hostId,
                adminTimeout,
                ioTimeout,
                connect,
                keepAliveTimeout,
                adminQueueEntries,
                maxQueueEntries,
                maxQueuePairs,
                maxTransferBytes,
                retries,
                delay,
                loss,
                keys);
    }

    public FabricHostOptions withTimeouts(Duration admin, Duration io) {
        return new FabricHostOptions(
                hostNqn,
                hostId,
                admin,
                io,
                connectTimeout,
                keepAlive,
                adminQueueEntries,
                maxQueueEntries,
                maxQueuePairs,
                maxTransferBytes,
                retries,
                reconnectDelay,
                lossTimeout,
                keys);
    }

    public FabricHostOptions withKeys(HostKeys other) {
        return new FabricHostOptions(
                hostNqn,
                hostId,
                adminTimeout,
                ioTimeout,
                connectTimeout,
                keepAlive,
                adminQueueEntries,
                maxQueueEntries,
                maxQueuePairs,
                maxTransferBytes,
                retries,
                reconnectDelay,
                lossTimeout,
                other);
    }
}
