package io.doorbell.backends;

import io.doorbell.platform.DurableFile;
import io.doorbell.storage.BlockFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * What a file namespace is, in a small file beside its data: the data itself stays a plain image that other tools can
 * read. Replaced as a whole, by a {@link DurableFile}.
 *
 * @param byteSize of the data, without metadata
 * @param resizing the size that it is being given, or 0: whatever the file has, it gets that one
 * @param state what is in the data file
 */
record FileIdentity(UUID uuid, long byteSize, long resizing, BlockFormat format, State state) {
    enum State {
        /** It is being made, or formatted: there is no data in it. */
        MAKING,
        /** As configuration wanted it. */
        READY,
        /** A host formatted it since: its block size is the host's, whatever configuration says. */
        FORMATTED;

        private String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final String FIRST_LINE = "doorbell namespace 1";

    private static final Pattern FORM = Pattern.compile(
            "(" + FIRST_LINE + "\\nuuid=([0-9a-f-]{36})\\nbyteSize=(\\d{1,19})\\n(?:resizing=(\\d{1,19})\\n)?"
                    + "blockBytes=([0-9a-z+/]{3,40})\\nstate=(ready|making|formatted)\\n)crc32c=([0-9a-f]{8})\\n");

    FileIdentity(UUID uuid, long byteSize, BlockFormat format, State state) {
        this(uuid, byteSize, 0, format, state);
    }

    boolean ready() {
        return state != State.MAKING;
    }

    FileIdentity in(State next) {
        return new FileIdentity(uuid, byteSize, resizing, format, next);
    }

    /** On its way to another size. */
    FileIdentity resizing(long bytes) {
        return new FileIdentity(uuid, byteSize, bytes, format, state);
    }

    /** There. */
    FileIdentity resized() {
        return new FileIdentity(uuid, resizing, 0, format, state);
    }

    static Path beside(Path data) {
        return data.resolveSibling(data.getFileName() + ".namespace");
    }

    /** What stands beside {@code data}, if anything does. */
    static Optional<FileIdentity> read(Path data) throws IOException {
        Path path = beside(data);
        String text;
        try {
            text = Files.readString(path, StandardCharsets.US_ASCII);
        } catch (NoSuchFileException none) {
            return Optional.empty();
        }
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches() || !matcher.group(7).equals(crc(matcher.group(1)))) {
            throw new FileSystemException(
                    path.toString(), null, "is damaged: it does not say what the namespace in " + data + " is");
        }
        BlockFormat format;
        try {
            format = BlockFormat.parse(matcher.group(5));
        } catch (IllegalArgumentException unknown) {
            throw new FileSystemException(path.toString(), null, "is damaged: " + unknown.getMessage());
        }
        return Optional.of(new FileIdentity(
                UUID.fromString(matcher.group(2)),
                Long.parseLong(matcher.group(3)),
                matcher.group(4) == null ? 0 : Long.parseLong(matcher.group(4)),
                format,
                State.valueOf(matcher.group(6).toUpperCase(Locale.ROOT))));
    }

    /** What the data file has: with the metadata of each block behind its data. */
    long storedBytes() {
        return byteSize + byteSize / format.blockBytes() * format.metadataBytes();
    }

    void write(Path data) throws IOException {
        String body = FIRST_LINE + "\nuuid=" + uuid + "\nbyteSize=" + byteSize + "\n"
                + (resizing == 0 ? "" : "resizing=" + resizing + "\n") + "blockBytes=" + format + "\nstate="
                + state.word() + "\n";
        DurableFile.replace(beside(data), (body + "crc32c=" + crc(body) + "\n").getBytes(StandardCharsets.US_ASCII));
    }

    private static String crc(String body) {
        var crc = new CRC32C();
        crc.update(body.getBytes(StandardCharsets.US_ASCII));
        return String.format("%08x", crc.getValue());
    }
}
