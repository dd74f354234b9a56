package io.doorbell.management.http;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.EnumSet;
import java.util.Set;

/** A password in a file that nobody but its owner can read. */
final class PasswordFile {
    /** 192 bits: nobody guesses it, and base64 needs no padding. */
    private static final int RANDOM_BYTES = 24;

    private static final int MIN_CHARACTERS = 8;
    private static final int MAX_BYTES = 1024;

    private static final Set<PosixFilePermission> OWNER_ONLY =
            EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    /** Its message says what is to be done; it never holds the password. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message);
        }
    }

    private PasswordFile() {}

    /**
     * The password in the file; a new random one where there is no file.
     *
     * @throws Refused where others can read the file, or it holds nothing that can serve
     */
    static String passwordIn(Path file) throws IOException, Refused {
        if (Files.notExists(file)) {
            create(file);
        }
        checkPermissions(file);
        if (Files.size(file) > MAX_BYTES) {
            throw new Refused(file + " is longer than " + MAX_BYTES + " bytes: put one line with the password into it");
        }
        var password = Files.readString(file, StandardCharsets.UTF_8).strip();
        if (password.length() < MIN_CHARACTERS || password.lines().count() != 1) {
            throw new Refused(file + " does not hold a password: put one line of at least " + MIN_CHARACTERS
                    + " characters into it, or delete it for a random one");
        }
        return password;
    }

    private static void checkPermissions(Path file) throws IOException, Refused {
        var permissions = EnumSet.copyOf(Files.getPosixFilePermissions(file));
        permissions.removeAll(OWNER_ONLY);
        if (!permissions.isEmpty()) {
            throw new Refused("others than its owner can use " + file + ": chmod 600 '" + file + "'");
        }
    }

    /** Under another name first: at no moment is there a file of this name with half a password, or one that others can read. */
    private static void create(Path file) throws IOException {
        var random = new byte[RANDOM_BYTES];
        new SecureRandom().nextBytes(random);
        var password = Base64.getUrlEncoder().encodeToString(random) + "\n";
        var parent = file.toAbsolutePath().getParent();
        if (!Files.isDirectory(parent)) {
            throw new NoSuchFileException(parent.toString(), null, "no such directory for the password file");
        }
        var made = Files.createTempFile(
                parent, ".password-", null, PosixFilePermissions.asFileAttribute(EnumSet.copyOf(OWNER_ONLY)));
        try {
            try (var channel = FileChannel.open(made, StandardOpenOption.WRITE)) {
                var bytes = StandardCharsets.US_ASCII.encode(password);
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
