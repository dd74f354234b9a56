package io.doorbell.nvme;

import java.util.Arrays;
import java.util.Base64;
import java.util.zip.CRC32;

/** The text that secrets travel in: {@code PREFIX:hh:base64(key || CRC-32):}. No message here has any of the key in it. */
final class KeyText {
    private static final int CRC_BYTES = 4;
    private static final int DIGITS = 2;

    /** Of the longest: far more than any key has. */
    private static final int MAX_CHARACTERS = 256;

    private KeyText() {}

    /** @param hash the number that stands in the text */
    record Parsed(int hash, byte[] key) {}

    static Parsed parse(String what, String prefix, String text) {
        String begin = prefix + ":";
        if (!text.startsWith(begin) || text.length() > MAX_CHARACTERS) {
            throw new IllegalArgumentException("this is no " + what + ": it begins with " + begin + " and has at most "
                    + MAX_CHARACTERS + " characters");
        }
        int second = text.indexOf(':', begin.length());
        boolean shaped = second == begin.length() + DIGITS
                && text.endsWith(":")
                && text.indexOf(':', second + 1) == text.length() - 1;
        if (!shaped) {
            throw new IllegalArgumentException("this is no " + what + ": its form is " + begin
                    + "hh:base64: with two digits and a colon at the end");
        }
        int hash;
        byte[] bytes;
        try {
            hash = Integer.parseUnsignedInt(text, begin.length(), second, 16);
        } catch (NumberFormatException noNumber) {
            throw new IllegalArgumentException(
                    "this is no " + what + ": behind " + begin + " stand two digits", noNumber);
        }
        try {
            bytes = Base64.getDecoder().decode(text.substring(second + 1, text.length() - 1));
        } catch (IllegalArgumentException _) {
            // Whose message would show a part of the key.
            throw new IllegalArgumentException("this " + what + " is damaged: it is no base64");
        }
        if (bytes.length <= CRC_BYTES) {
            throw new IllegalArgumentException("this " + what + " is damaged: it is too short");
        }
        var key = Arrays.copyOf(bytes, bytes.length - CRC_BYTES);
        if (!Arrays.equals(crc(key), 0, CRC_BYTES, bytes, key.length, bytes.length)) {
            throw new IllegalArgumentException("this " + what + " is damaged: its checksum is wrong");
        }
        return new Parsed(hash, key);
    }

    static String format(String prefix, int hash, byte[] key) {
        var bytes = Arrays.copyOf(key, key.length + CRC_BYTES);
        System.arraycopy(crc(key), 0, bytes, key.length, CRC_BYTES);
        return String.format("%s:%02x:%s:", prefix, hash, Base64.getEncoder().encodeToString(bytes));
    }

    private static byte[] crc(byte[] key) {
        var crc = new CRC32();
        crc.update(key);
        int value = (int) crc.getValue();
        return new byte[] {(byte) value, (byte) (value >> 8), (byte) (value >> 16), (byte) (value >> 24)};
    }
}
