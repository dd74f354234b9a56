package io.doorbell.subsystem;

import io.doorbell.nvme.Reservation;
import io.doorbell.subsystem.ReservationState.Registrant;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * Where the reservations of one namespace are kept when they are to outlive a loss of power: a file of its own, replaced as
 * a whole and durable before the command that changed them is answered. There is none while they are not to be kept. It
 * counts for the data it was made for, known by the namespace's UUID.
 *
 * <p>Keys and identifiers are strings of hex digits, since JSON has no numbers of 64 bits. One thread at a time.
 */
final class ReservationStore {
    private final KeptDocument document;
    private final String nqn;
    private final int nsid;
    private final UUID uuid;

    /** @param folder of all namespaces' files; made when there is something to keep */
    ReservationStore(Path folder, String nqn, int nsid, UUID uuid) {
        document = new KeptDocument(folder.resolve(KeptDocument.safe(nqn) + "-" + nsid + ".json"));
        this.nqn = nqn;
        this.nsid = nsid;
        this.uuid = uuid;
    }

    Path file() {
        return document.file();
    }

    /**
     * What was kept, or nothing.
     *
     * @throws IOException when it cannot be read, or is not what was written
     */
    ReservationState load() throws IOException {
        var state = document.read();
        if (state == null) {
            return ReservationState.NONE;
        }
        try {
            return uuid.toString().equals(state.get("uuid")) ? decode(state) : ReservationState.NONE;
        } catch (ClassCastException | IllegalArgumentException | NullPointerException wrong) {
            throw new IOException(document.file() + " is not what this node wrote: " + wrong.getMessage(), wrong);
        }
    }

    /** Durable when it returns. */
    void save(ReservationState state) throws IOException {
        if (!state.persistent()) {
            document.delete();
        } else {
            document.write(encode(state));
        }
    }

    private Map<String, Object> encode(ReservationState state) {
        var encoded = new LinkedHashMap<String, Object>();
        encoded.put("nqn", nqn);
        encoded.put("nsid", nsid);
        encoded.put("uuid", uuid.toString());
        encoded.put("generation", hex(state.gen()));
        encoded.put("type", state.rtype());
        encoded.put("holder", state.holder() == null ? "" : id(state.holder()));
        var registrants = new ArrayList<Map<String, Object>>();
        for (var registrant : state.registrants()) {
            // A host without an identifier is another one after the next start.
            if (registrant.host().isNamed()) {
                var entry = new LinkedHashMap<String, Object>();
                entry.put("host", id(registrant.host()));
                entry.put("key", hex(registrant.key()));
                registrants.add(entry);
            }
        }
        encoded.put("registrants", registrants);
        return encoded;
    }

    private static ReservationState decode(Map<?, ?> state) {
        var registrants = new ArrayList<Registrant>();
        for (var entry : (List<?>) state.get("registrants")) {
            var registrant = (Map<?, ?>) entry;
            registrants.add(new Registrant(host((String) registrant.get("host")), number(registrant.get("key"))));
        }
        int type = (Integer) state.get("type");
        String holder = (String) state.get("holder");
        var held = holder.isEmpty() ? null : host(holder);
        boolean all = Reservation.isAllRegistrants(type);
        // Its holder had no identifier, or none of them: nobody could ever release it.
        boolean orphaned = all
                ? registrants.isEmpty()
                : registrants.stream().noneMatch(r -> r.host().equals(held));
        if (type != 0 && !Reservation.isType(type)) {
            throw new IllegalArgumentException("reservation type " + type);
        }
        return new ReservationState(
                (int) number(state.get("generation")),
                orphaned ? 0 : type,
                orphaned || all ? null : held,
                true,
                registrants);
    }

    private static String id(HostId host) {
        return host.wide() ? hex(host.high()) + hex(host.low()) : hex(host.low());
    }

    private static HostId host(String digits) {
        boolean wide = digits.length() == 32;
        if (!wide && digits.length() != 16) {
            throw new IllegalArgumentException("host identifier " + digits);
        }
        return wide
                ? new HostId(number(digits.substring(16)), number(digits.substring(0, 16)), true, 0)
                : new HostId(number(digits), 0, false, 0);
    }

    private static String hex(long value) {
        return String.format("%016x", value);
    }

    private static long number(Object digits) {
        return Long.parseUnsignedLong((String) digits, 16);
    }
}
