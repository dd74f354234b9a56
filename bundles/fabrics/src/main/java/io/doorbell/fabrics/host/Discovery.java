package io.doorbell.fabrics.host;

import io.doorbell.fabrics.Complaints;
import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.host.DiscoveredSubsystem;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.DiscoveryLog;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TransportId;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks discovery controllers what there is to connect to, and follows what they refer to. NVMe Base 2.1 §3.1.3.3 "Discovery Controller".
 * Control plane, blocks.
 */
public final class Discovery {
    private static final Logger LOG = LoggerFactory.getLogger(Discovery.class);

    /** Discovery controllers asked in one go: referrals may go round, and on for ever. */
    static final int MOST_CONTROLLERS = 16;

    /** Entries of one log page. */
    static final int MOST_ENTRIES = 4096;

    /** Times that a log page is read which changes meanwhile. */
    private static final int MOST_READINGS = 10;

    private static final int QUEUE_ENTRIES = 32;
    private static final int ENTRIES_AT_ONCE = 8;
    private static final int SECURE_CHANNEL_MASK = 3;

    private final Function<TransportId, HostTransport> transports;
    private final String hostNqn;
    private final UUID hostId;
    private final HostKeys keys;
    private final Duration bound;

    /**
     * @param keys by which this host shows who it is, to controllers that ask
     * @param bound of each connection and each answer
     */
    public Discovery(
            Function<TransportId, HostTransport> transports,
            String hostNqn,
            UUID hostId,
            HostKeys keys,
            Duration bound) {
        this.transports = transports;
        this.hostNqn = hostNqn;
        this.hostId = hostId;
        this.keys = keys;
        this.bound = bound;
    }

    /** @throws NvmeException when the first controller cannot be asked; others are left out, and the log says so */
    public List<DiscoveredSubsystem> discover(TransportId start) {
        var found = new ArrayList<DiscoveredSubsystem>();
        var asked = new HashSet<TransportId>();
        var toAsk = new ArrayDeque<TransportId>();
        toAsk.add(place(start.trtype(), start.traddr(), start.trsvcid()));
        while (!toAsk.isEmpty()) {
            var place = toAsk.remove();
            if (!asked.add(place)) {
                continue;
            }
            if (asked.size() > MOST_CONTROLLERS) {
                LOG.warn("{} discovery controllers were asked; {} and others are left out", MOST_CONTROLLERS, place);
                break;
            }
            List<DiscoveredSubsystem> told;
            try {
                told = ask(place);
            } catch (NvmeException e) {
                if (asked.size() == 1) {
                    throw e;
                }
                LOG.warn("{}, to which others refer, is left out: {}", place, e.getMessage());
                continue;
            }
            found.addAll(told);
            told.stream()
                    .filter(each -> each.kind().equals(kind(DiscoveryLog.SUBTYPE_REFERRAL)))
                    .filter(each -> each.transport().equals(start.trtype().name()))
                    .forEach(each -> {
                        try {
                            toAsk.add(place(start.trtype(), each.traddr(), each.trsvcid()));
                        } catch (IllegalArgumentException wrong) {
                            LOG.warn("{} refers to a place that is none: {}", place, wrong.getMessage());
                        }
                    });
        }
        return found;
    }

    private static TransportId place(TransportId.Type type, String traddr, String trsvcid) {
        return new TransportId(type, traddr, trsvcid, Nqn.DISCOVERY, 0);
    }

    private List<DiscoveredSubsystem> ask(TransportId place) {
        var name = place.traddr() + ":" + place.trsvcid() + ", discovery";
        try (var transport = transports.apply(place);
                var connection = transport.connect(0, 0, QUEUE_ENTRIES, bound)) {
            var connect = new HostConnect(name, Nqn.DISCOVERY, hostNqn, hostId, bound, keys);
            connect.admin(connection, QUEUE_ENTRIES, Duration.ZERO);
            var properties = new HostProperties(name, command -> connection.execute(command, null, bound));
            var cap = properties.cap();
            properties.enable(cap, FabricBringUp.configuration(cap));
            var told = read(name, connection, place);
            properties.shutdown(bound);
            return told;
        }
    }

    /** What was read is one state of the page, and not the halves of two: its generation says so. */
    private List<DiscoveredSubsystem> read(String name, HostConnection connection, TransportId place) {
        var header = MemorySegment.ofArray(new byte[DiscoveryLog.HEADER_BYTES]);
        for (int reading = 0; reading < MOST_READINGS; reading++) {
            page(name, connection, 0, header);
            long generation = DiscoveryLog.GENCTR.get(header);
            long count = DiscoveryLog.NUMREC.get(header);
            int format = DiscoveryLog.RECFMT.get(header);
            if (format != 0 || count < 0 || count > MOST_ENTRIES) {
                throw new NvmeException(
                        NvmeException.Kind.GIVE_UP,
                        name,
                        "a log page of record format " + format + " with " + Long.toUnsignedString(count)
                                + " entries: format 0 is read, and at most " + MOST_ENTRIES);
            }
            var told = entries(name, connection, place, (int) count);
            page(name, connection, 0, header);
            if (DiscoveryLog.GENCTR.get(header) == generation) {
                return told;
            }
        }
        throw new NvmeException(
                NvmeException.Kind.RETRY,
                name,
                "the log page changed each time it was read, " + MOST_READINGS + " times");
    }

    private List<DiscoveredSubsystem> entries(String name, HostConnection connection, TransportId place, int count) {
        var told = new ArrayList<DiscoveredSubsystem>();
        for (int first = 0; first < count; first += ENTRIES_AT_ONCE) {
            int some = Math.min(ENTRIES_AT_ONCE, count - first);
            var data = MemorySegment.ofArray(new byte[some * DiscoveryLog.ENTRY_BYTES]);
            page(name, connection, DiscoveryLog.HEADER_BYTES + (long) first * DiscoveryLog.ENTRY_BYTES, data);
            for (int i = 0; i < some; i++) {
                told.add(entry(data.asSlice((long) i * DiscoveryLog.ENTRY_BYTES, DiscoveryLog.ENTRY_BYTES), place));
            }
        }
        return told;
    }

    private static DiscoveredSubsystem entry(MemorySegment entry, TransportId place) {
        int transport = DiscoveryLog.TRTYPE.get(entry);
        int family = DiscoveryLog.ADRFAM.get(entry);
        return new DiscoveredSubsystem(
                place.traddr() + ":" + place.trsvcid(),
                kind(DiscoveryLog.SUBTYPE.get(entry)),
                switch (transport) {
                    case DiscoveryLog.TRTYPE_RDMA -> "RDMA";
                    case DiscoveryLog.TRTYPE_TCP -> "TCP";
                    default -> Integer.toString(transport);
                },
                switch (family) {
                    case DiscoveryLog.ADRFAM_IPV4 -> "IPv4";
                    case DiscoveryLog.ADRFAM_IPV6 -> "IPv6";
                    default -> Integer.toString(family);
                },
                Complaints.printable(DiscoveryLog.TRADDR.get(entry)),
                Complaints.printable(DiscoveryLog.TRSVCID.get(entry)),
                Complaints.printable(DiscoveryLog.SUBNQN.get(entry)),
                DiscoveryLog.PORTID.get(entry),
                DiscoveryLog.CNTLID.get(entry),
                DiscoveryLog.ASQSZ.get(entry),
                switch (DiscoveryLog.TREQ.get(entry) & SECURE_CHANNEL_MASK) {
                    case 1 -> "required";
                    case DiscoveryLog.TREQ_SECURE_CHANNEL_NOT_REQUIRED -> "not required";
                    default -> "not specified";
                });
    }

    private static String kind(int subtype) {
        return switch (subtype) {
            case DiscoveryLog.SUBTYPE_REFERRAL -> "referral";
            case DiscoveryLog.SUBTYPE_NVM -> "NVM subsystem";
            case DiscoveryLog.SUBTYPE_CURRENT_DISCOVERY -> "this discovery subsystem";
            default -> "subtype " + subtype;
        };
    }

    private void page(String name, HostConnection connection, long offset, MemorySegment into) {
        int dwordsZeroBased = (int) into.byteSize() / Integer.BYTES - 1;
        var command = new NvmCommand().reset(AdminOpcode.GET_LOG_PAGE, 0);
        command.cdw10 = LogPageId.DISCOVERY | (dwordsZeroBased & 0xFFFF) << 16;
        command.cdw11 = dwordsZeroBased >>> 16;
        command.cdw12 = (int) offset;
        command.cdw13 = (int) (offset >>> 32);
        int status = connection.execute(command, into, bound).status();
        if (status != Status.SUCCESS) {
            throw NvmeException.failed(name + ", reading the log page from byte " + offset, new Status(status));
        }
    }
}
