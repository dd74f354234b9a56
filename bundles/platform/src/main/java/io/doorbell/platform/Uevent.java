package io.doorbell.platform;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One piece of news of the kernel about a device: {@code add}, {@code remove}, {@code bind}, {@code unbind}, {@code change}. Linux "lib/kobject_uevent.c".
 *
 * @param path of the device below /sys
 * @param values such as {@code SUBSYSTEM}, {@code PCI_SLOT_NAME}, {@code DRIVER}
 */
public record Uevent(String action, String path, Map<String, String> values) {
    public Uevent {
        values = Map.copyOf(values);
    }

    /** The value of a key, or empty. */
    public String value(String key) {
        return values.getOrDefault(key, "");
    }

    /** Decodes {@code ACTION@PATH\0KEY=VALUE\0…}; empty if it is something else. */
    static Optional<Uevent> decode(byte[] message) {
        var words = new String(message, StandardCharsets.UTF_8).split("\0", -1);
        int at = words[0].indexOf('@');
        if (at <= 0) {
            // udev's own messages, which begin with "libudev", for one.
            return Optional.empty();
        }
        var values = new TreeMap<String, String>();
        for (int i = 1; i < words.length; i++) {
            int equals = words[i].indexOf('=');
            if (equals > 0) {
                values.put(words[i].substring(0, equals), words[i].substring(equals + 1));
            }
        }
        return Optional.of(new Uevent(words[0].substring(0, at), words[0].substring(at + 1), values));
    }
}
