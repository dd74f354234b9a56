package io.doorbell.nvme;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * Diffie-Hellman groups of DH-HMAC-CHAP: none, or those of RFC 7919 "Negotiated Finite Field Diffie-Hellman Ephemeral Parameters". NVMe Base 2.1
 * §8.3.4.5 "DH-HMAC-CHAP Protocol".
 */
public enum DhchapGroup {
    NULL("null", 0),
    FFDHE2048("ffdhe2048", 2048),
    FFDHE3072("ffdhe3072", 3072),
    FFDHE4096("ffdhe4096", 4096),
    FFDHE6144("ffdhe6144", 6144),
    FFDHE8192("ffdhe8192", 8192);

    private final String word;
    private final int bits;

    DhchapGroup(String word, int bits) {
        this.word = word;
        this.bits = bits;
    }

    /** As messages name it. */
    public int id() {
        return ordinal();
    }

    /** As configuration and commands name it. */
    public String word() {
        return word;
    }

    /** Of its modulus; 0 for {@link #NULL}. */
    public int bits() {
        return bits;
    }

    /** Of a public value on the wire, and of the secret. */
    public int bytes() {
        return bits / 8;
    }

    /** Returns null for a number that is none. */
    public static DhchapGroup of(int id) {
        return id < 0 || id >= values().length ? null : values()[id];
    }

    /** @throws IllegalArgumentException that says which words there are */
    public static DhchapGroup parse(String word) {
        return Arrays.stream(values())
                .filter(group -> group.word.equals(word))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("group \"" + word + "\": one of "
                        + Arrays.stream(values()).map(DhchapGroup::word).collect(Collectors.joining(", "))));
    }
}
