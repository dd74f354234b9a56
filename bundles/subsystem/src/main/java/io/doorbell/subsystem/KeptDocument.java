package io.doorbell.subsystem;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.platform.DurableFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/** A small JSON file that outlives a loss of power: replaced as a whole, with a checksum. One thread at a time. */
final class KeptDocument {
    private static final int VERSION = 1;
    private static final Pattern SAFE_NAME = Pattern.compile("[A-Za-z0-9.:_-]{1,223}");

    private final Path file;

    KeptDocument(Path file) {
        this.file = file;
    }

    /** A name that can be that of a file: itself where it is harmless. */
    static String safe(String name) {
        return SAFE_NAME.matcher(name).matches()
                ? name
                : UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString();
    }

    Path file() {
        return file;
    }

    /**
     * What was kept, null where there is nothing.
     *
     * @throws IOException when it cannot be read, or is not what was written
     */
    Map<?, ?> read() throws IOException {
        String text;
        try {
            text = Files.readString(file);
        } catch (NoSuchFileException none) {
            return null;
        }
        try {
            var document = JSON.std.mapFrom(text);
            var state = (Map<?, ?>) document.get("state");
            if (!Integer.valueOf(VERSION).equals(document.get("version"))
                    || !crc(JSON.std.asString(state)).equals(document.get("crc32c"))) {
                throw new IOException(file + " is damaged: its checksum is another");
            }
            return state;
        } catch (ClassCastException | IllegalArgumentException | NullPointerException wrong) {
            throw new IOException(file + " is not what this node wrote: " + wrong.getMessage(), wrong);
        }
    }

    /** Durable when it returns. */
    void write(Map<String, Object> state) throws IOException {
        var folder = file.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            Files.createDirectories(folder);
            // A file in a folder that a loss of power takes is no file either.
            DurableFile.forceDirectory(folder.getParent());
        }
        var document = new LinkedHashMap<String, Object>();
        document.put("version", VERSION);
        document.put("state", state);
        document.put("crc32c", crc(JSON.std.asString(state)));
        DurableFile.replace(file, (JSON.std.asString(document) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** It stays away after a crash when this has returned. */
    void delete() throws IOException {
        DurableFile.delete(file);
    }

    private static String crc(String text) {
        var crc = new CRC32C();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return String.format("%08x", crc.getValue());
    }
}
