package io.doorbell.nvme;

import java.util.Arrays;
import java.util.stream.Collectors;

/** Hash functions of DH-HMAC-CHAP and of keys. NVMe Base 2.1 §8.3.4.5 "DH-HMAC-CHAP Protocol". */
public enum DhchapHash {
    SHA_256(1, 32, "sha256", "SHA-256", "HmacSHA256"),
    SHA_384(2, 48, "sha384", "SHA-384", "HmacSHA384"),
    SHA_512(3, 64, "sha512", "SHA-512", "HmacSHA512");

    private final int id;
    private final int bytes;
    private final String word;
    private final String digest;
    private final String mac;

    DhchapHash(int id, int bytes, String word, String digest, String mac) {
        this.id = id;
        this.bytes = bytes;
        this.word = word;
        this.digest = digest;
        this.mac = mac;
    }

    /** As messages and keys name it. */
    public int id() {
        return id;
    }

    /** Of its output. */
    public int bytes() {
        return bytes;
    }

    /** As configuration and commands name it: sha256, sha384, sha512. */
    public String word() {
        return word;
    }

    /** The name by which the JDK finds it. */
    public String digest() {
        return digest;
    }

    /** The name by which the JDK finds its HMAC. */
    public String mac() {
        return mac;
    }

    /** Returns null for a number that is none. */
    public static DhchapHash of(int id) {
        return id < 1 || id > values().length ? null : values()[id - 1];
    }

    /** @throws IllegalArgumentException that says which words there are */
    public static DhchapHash parse(String word) {
        return Arrays.stream(values())
                .filter(hash -> hash.word.equals(word))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("hash \"" + word + "\": one of "
                        + Arrays.stream(values()).map(DhchapHash::word).collect(Collectors.joining(", "))));
    }
}
