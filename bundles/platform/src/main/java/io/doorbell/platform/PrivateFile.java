package io.doorbell.platform;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;

/** A secret in a file that nobody but its owner can use. Any thread; control path. */
public final class PrivateFile {
    private static final Set<PosixFilePermission> OWNER_ONLY =
            EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    /** The file is not as a secret's file has to be. The message says what is to be done, and has nothing of what is in the file. */
    public static final class Refused extends IOException {
        private static final long serialVersionUID = 1L;

        public Refused(String message) {
            super(message);
        }
    }

    private PrivateFile() {}

    /**
     * Its one line, without blanks around it.
     *
     * @param what the thing in it, for messages: "a key"
     * @throws Refused where others than its owner can use it, or there is more or less in it than a line
     */
    public static String line(Path file, String what, int maxBytes) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new Refused("there is no file " + file + " with " + what);
        }
        try {
            return read(file, what, maxBytes);
        } catch (AccessDeniedException denied) {
            throw new Refused("this process may not read " + file + ", which has " + what + " in it");
        }
    }

    private static String read(Path file, String what, int maxBytes) throws IOException {
        checkPermissions(file);
        if (Files.size(file) > maxBytes) {
            throw new Refused(file + " is longer than " + maxBytes + " bytes: put one line with " + what + " into it");
        }
        var line = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).strip();
        if (line.lines().count() != 1) {
            throw new Refused(file + " does not hold " + what + ": put one line with it into the file");
        }
        return line;
    }

    private static void checkPermissions(Path file) throws IOException {
        if (!OWNER_ONLY.containsAll(Files.getPosixFilePermissions(file))) {
            throw new Refused("others than its owner can use " + file + ": chmod 600 '" + file + "'");
        }
    }

    /** Under another name first: at no moment is there a file of this name with half a secret, or one that others can read. */
    public static void create(Path file, String line) throws IOException {
        var parent = file.toAbsolutePath().getParent();
        if (!Files.isDirectory(parent)) {
            throw new NoSuchFileException(parent.toString(), null, "no such directory for " + file.getFileName());
        }
        var made = Files.createTempFile(
                parent, ".private-", null, PosixFilePermissions.asFileAttribute(EnumSet.copyOf(OWNER_ONLY)));
        try {
            try (var channel = FileChannel.open(made, StandardOpenOption.WRITE)) {
                var bytes = StandardCharsets.UTF_8.encode(line + "\n");
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(made, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(made);
        }
    }
}
