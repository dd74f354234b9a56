package io.doorbell.fabrics.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/** Who this host is to controllers on other machines. */
public final class HostName {
    private static final Path MACHINE_ID = Path.of("/etc/machine-id");

    /** Where there is no such file: the same for as long as this process lives. */
    private static final UUID PASSING = UUID.randomUUID();

    private HostName() {}

    /**
     * @param text a UUID, or empty for one that is made of the machine's id, which nobody is to see
     * @throws IllegalArgumentException when it is none
     */
    public static UUID id(String text) {
        if (!text.isBlank()) {
            try {
                return UUID.fromString(text.strip());
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "host.id \"" + text + "\" is no UUID, as in 01234567-89ab-cdef-0123-456789abcdef", e);
            }
        }
        try {
            var machine = Files.readString(MACHINE_ID).strip();
            // By this name hosts of this machine were known before there was another transport than TCP.
            return UUID.nameUUIDFromBytes(("io.doorbell.tcp.host " + machine).getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            return PASSING;
        }
    }
}
