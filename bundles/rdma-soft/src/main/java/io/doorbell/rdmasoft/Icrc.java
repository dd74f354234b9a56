package io.doorbell.rdmasoft;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;

/**
 * The invariant CRC of RoCEv2 packets: over the IP, UDP and transport headers, without what routers may change, and the payload. IBTA vol. 1
 * release 1.4 §7.8.1 "Invariant CRC", annex A17.3.3.
 *
 * <p>A UDP socket shows no IP header. Of what we send it is known all the same: an unconnected socket that never fragments sends identification 0. Of an
 * IPv4 packet that we get everything is known but the identification, 16 bits. A CRC is linear, so these can be solved for: undo what followed them,
 * and what is left has to be 16 bits and 16 zeros. So 16 bits of the check remain, beside the check of the link; of IPv6 packets all 32.
 *
 * <p>Owner: one thread.
 */
final class Icrc {
    private static final int POLYNOMIAL = 0xEDB8_8320;

    /** The longest UDP payload without its ICRC. */
    static final int MAX_BYTES = 4096 + 128;

    private static final int LOCAL_HEADER_BYTES = 8;
    private static final int IP4_BYTES = 20;
    private static final int IP6_BYTES = 40;
    private static final int UDP_BYTES = 8;
    private static final byte UDP = 17;

    /** Of an IPv4 header, behind the identification. */
    private static final int BEHIND_IDENTIFICATION = 6;

    /** By a number of bytes, the factor that undoes as many zeros behind a CRC register: x^(-8n). */
    private static final int[] UNDO = undoFactors(IP4_BYTES + UDP_BYTES + MAX_BYTES);

    private static final VarHandle SHORTS = view(short[].class);
    private static final VarHandle INTS = view(int[].class);
    private static final VarHandle LONGS = view(long[].class);

    private static VarHandle view(Class<?> array) {
        return MethodHandles.byteArrayViewVarHandle(array, ByteOrder.BIG_ENDIAN).withInvokeExactBehavior();
    }

    private final CRC32 crc = new CRC32();
    private final boolean six;
    private final int udpAt;
    private final int bthAt;

    /** What the CRC begins with: ones in the place of a local route header, then the headers with ones where they may change. */
    private final byte[] headers;

    Icrc(boolean six) {
        this.six = six;
        udpAt = LOCAL_HEADER_BYTES + (six ? IP6_BYTES : IP4_BYTES);
        bthAt = udpAt + UDP_BYTES;
        headers = new byte[bthAt + Headers.BTH_BYTES];
        for (int i = 0; i < LOCAL_HEADER_BYTES; i++) {
            headers[i] = -1;
        }
        int ip = LOCAL_HEADER_BYTES;
        if (six) {
            // Version; traffic class and flow label, payload length, next header, hop limit.
            INTS.set(headers, ip, 0x6FFF_FFFF);
            headers[ip + 6] = UDP;
            headers[ip + 7] = -1;
        } else {
            // Version and length, type of service, total length; identification 0, never a fragment; time to live,
            // checksum.
            headers[ip] = 0x45;
            headers[ip + 1] = -1;
            headers[ip + 6] = 0x40;
            headers[ip + 8] = -1;
            headers[ip + 9] = UDP;
            SHORTS.set(headers, ip + 10, (short) -1);
        }
        SHORTS.set(headers, udpAt + 6, (short) -1);
    }

    /**
     * Of a packet whose UDP payload, without the ICRC, is {@code bytes} at {@code at}. Addresses are those of
     * {@link io.doorbell.platform.DatagramBatch}.
     *
     * @param buffer the bytes of {@code memory}
     */
    int compute(
            MemorySegment memory,
            ByteBuffer buffer,
            int at,
            int bytes,
            long sourceHigh,
            long sourceLow,
            int sourcePort,
            long destinationHigh,
            long destinationLow,
            int destinationPort) {
        int udpBytes = UDP_BYTES + bytes + Headers.ICRC_BYTES;
        int ip = LOCAL_HEADER_BYTES;
        if (six) {
            SHORTS.set(headers, ip + 4, (short) udpBytes);
            LONGS.set(headers, ip + 8, sourceHigh);
            LONGS.set(headers, ip + 16, sourceLow);
            LONGS.set(headers, ip + 24, destinationHigh);
            LONGS.set(headers, ip + 32, destinationLow);
        } else {
            SHORTS.set(headers, ip + 2, (short) (IP4_BYTES + udpBytes));
            INTS.set(headers, ip + 12, (int) sourceLow);
            INTS.set(headers, ip + 16, (int) destinationLow);
        }
        INTS.set(headers, udpAt, sourcePort << 16 | destinationPort);
        SHORTS.set(headers, udpAt + 4, (short) udpBytes);
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, headers, bthAt, Headers.BTH_BYTES);
        headers[bthAt + 4] = -1;
        crc.reset();
        crc.update(headers, 0, headers.length);
        buffer.limit(at + bytes).position(at + Headers.BTH_BYTES);
        crc.update(buffer);
        return (int) crc.getValue();
    }

    /** Whether a packet of so many bytes can have come with this ICRC, when {@link #compute} says another. */
    boolean agrees(int computed, int received, int bytes) {
        int difference = computed ^ received;
        return difference == 0 || !six && identification(difference, bytes) >= 0;
    }

    /** The identification, in network order as a number, that makes the difference; negative for none. */
    static int identification(int difference, int bytes) {
        int behind = IP4_BYTES - BEHIND_IDENTIFICATION + UDP_BYTES + bytes;
        int register = multiply(UNDO[behind + 2], difference);
        return register >>> 16 != 0 ? -1 : Short.toUnsignedInt(Short.reverseBytes((short) register));
    }

    /** Of polynomials over GF(2), modulo that of the CRC; bit 31 is x^0. */
    private static int multiply(int left, int right) {
        int product = 0;
        for (int bit = 1 << 31; bit != 0; bit >>>= 1) {
            product ^= right & -((left & bit) != 0 ? 1 : 0);
            right = right >>> 1 ^ POLYNOMIAL & -(right & 1);
        }
        return product;
    }

    private static int[] undoFactors(int most) {
        var factors = new int[most + 1];
        factors[0] = 1 << 31;
        for (int i = 1; i <= most; i++) {
            int factor = factors[i - 1];
            for (int bit = 0; bit < 8; bit++) {
                // Divides by x: what a step of the register shifted out is bit 31 of the polynomial.
                factor = factor < 0 ? (factor ^ POLYNOMIAL) << 1 | 1 : factor << 1;
            }
            factors[i] = factor;
        }
        return factors;
    }
}
