package io.doorbell.subsystem;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.nvme.Reservation;
import io.doorbell.platform.DurableFile;
import io.doorbell.subsystem.ReservationState.Registrant;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * Where the reservations of one namespace are kept when they are to outlive a loss of power: a file of its own, replaced as
 * a whole and durable before the command that changed them is answered. There is none while they are not to be kept. It
 * counts for the data it was made for, known by the namespace's UUID.
 *
 * <p>Keys and identifiers are strings of hex digits, since JSON has no numbers of 64 bits. One thread at a time.
 */
final class ReservationStore {
    private static final int VERSION = 1;
    private static final Pattern SAFE_NAME = Pattern.compile("[A-Za-z0-9.:_-]{1,223}");

    private final Path file;
    private final String nqn;
    private final int nsid;
    private final UUID uuid;

    /** @param folder of all namespaces' files; made when there is something to keep */
    ReservationStore(Path folder, String nqn, int nsid, UUID uuid) {
        String safe = SAFE_NAME.matcher(nqn).matches()
                ? nqn
                : UUID.nameUUIDFromBytes(nqn.getBytes(StandardCharsets.UTF_8)).toString();
        this.file = folder.resolve(safe + "-" + nsid + ".json");
        this.nqn = nqn;
        this.nsid = nsid;
        this.uuid = uuid;
    }

    Path file() {
        return file;
    }

    /**
     * What was kept, or nothing.
     *
     * @throws IOException when it cannot be read, or is not what was written
     */
    ReservationState load() throws IOException {
        String text;
        try {
            text = Files.readString(file);
        } catch (NoSuchFileException none) {
            return ReservationState.NONE;
        }
        try {
            var document = JSON.std.mapFrom(text);
            var state = (Map<?, ?>) document.get("state");
            if (!Integer.valueOf(VERSION).equals(document.get("version"))
                    || !crc(JSON.std.asString(state)).equals(document.get("crc32c"))) {
                throw new IOException(file + " is damaged: its checksum is another");
            }
            return uuid.toString().equals(state.get("uuid")) ? decode(state) : ReservationState.NONE;
        } catch (ClassCastException | IllegalArgumentException | NullPointerException wrong) {
            throw new IOException(file + " is not what this node wrote: " + wrong.getMessage(), wrong);
        }
    }

    /** Durable when it returns. */
    void save(ReservationState state) throws IOException {
        if (!state.persistent()) {
            DurableFile.delete(file);
            return;
        }
        var folder = file.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            Files.createDirectories(folder);
            // A file in a folder that a loss of power takes is no file either.
            DurableFile.forceDirectory(folder.getParent());
        }
        var encoded = encode(state);
        var document = new LinkedHashMap<String, Object>();
        document.put("version", VERSION);
        document.put("state", encoded);
        document.put("crc32c", crc(JSON.std.asString(encoded)));
        DurableFile.replace(file, (JSON.std.asString(document) + "\n").getBytes(StandardCharsets.UTF_8));
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

    private static String crc(String text) {
        var crc = new CRC32C();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return String.format("%08x", crc.getValue());
    }
}
