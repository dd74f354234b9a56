package io.doorbell.nvme;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** NVMe Qualified Names, of subsystems and of hosts. NVMe Base 2.1 §4.7 "NVMe Qualified Names". */
public final class Nqn {
    /** Longest name in bytes of UTF-8, without the NUL that follows it in a data structure. */
    public static final int MAX_BYTES = 223;

    /** The well-known discovery subsystem. */
    public static final String DISCOVERY = "nqn.2014-08.org.nvmexpress.discovery";

    /** A date and a reversed domain, then, after a colon, whatever its owner likes. */
    private static final Pattern FORM = Pattern.compile("nqn\\.\\d{4}-(0[1-9]|1[0-2])\\.[^\\s:]+(:\\S+)?");

    private Nqn() {}

    public static boolean isValid(String name) {
        return FORM.matcher(name).matches() && name.getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES;
    }

    /** Returns the name, or throws with a message that starts with {@code what} and says what is allowed. */
    public static String check(String what, String name) {
        if (!isValid(name)) {
            throw new IllegalArgumentException(what + " \"" + name + "\" is no NVMe Qualified Name:"
                    + " nqn.yyyy-mm.reversed.domain[:anything], without blanks, at most " + MAX_BYTES + " bytes");
        }
        return name;
    }
}
