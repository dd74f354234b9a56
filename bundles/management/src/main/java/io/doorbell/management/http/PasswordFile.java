package io.doorbell.management.http;

import io.doorbell.platform.PrivateFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;

/** A password in a file that nobody but its owner can read. */
final class PasswordFile {
    /** 192 bits: nobody guesses it, and base64 needs no padding. */
    private static final int RANDOM_BYTES = 24;

    private static final int MIN_CHARACTERS = 8;
    private static final int MAX_BYTES = 1024;
    private static final String WHAT = "a password of at least " + MIN_CHARACTERS + " characters";

    private PasswordFile() {}

    /**
     * The password in the file; a new random one where there is no file.
     *
     * @throws PrivateFile.Refused where others can read the file, or it holds nothing that can serve; it never holds the password
     */
    static String passwordIn(Path file) throws IOException {
        if (Files.notExists(file)) {
            var random = new byte[RANDOM_BYTES];
            new SecureRandom().nextBytes(random);
            PrivateFile.create(file, Base64.getUrlEncoder().encodeToString(random));
        }
        var password = PrivateFile.line(file, WHAT, MAX_BYTES);
        if (password.length() < MIN_CHARACTERS) {
            throw new PrivateFile.Refused(file + " does not hold " + WHAT
                    + ": put one line with it into the file, or delete it for a random one");
        }
        return password;
    }
}
