package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.platform.DatagramBatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

class IcrcTest {
    /** A packet from its IP header on, with the ICRC that its sender gave it. */
    private record Packet(byte[] bytes, boolean six) {
        static Packet of(String hex) {
            var bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
            return new Packet(bytes, bytes[0] >>> 4 == 6);
        }

        int transport() {
            return (six ? 40 : 20) + 8;
        }

        long number(int at, int count) {
            long value = 0;
            for (int i = 0; i < count; i++) {
                value = value << 8 | bytes[at + i] & 255;
            }
            return value;
        }

        int icrc() {
            return Integer.reverseBytes((int) number(bytes.length - 4, 4));
        }

        int payloadBytes() {
            return bytes.length - transport() - 4;
        }

        int computed() {
            try (var arena = Arena.ofConfined()) {
                var memory = arena.allocate(bytes.length);
                MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
                int udp = transport() - 8;
                return new Icrc(six)
                        .compute(
                                memory,
                                memory.asByteBuffer(),
                                transport(),
                                payloadBytes(),
                                six ? number(8, 8) : 0,
                                six ? number(16, 8) : DatagramBatch.MAPPED | number(12, 4),
                                (int) number(udp, 2),
                                six ? number(24, 8) : 0,
                                six ? number(32, 8) : DatagramBatch.MAPPED | number(16, 4),
                                (int) number(udp + 2, 2));
            }
        }

        boolean agrees() {
            return new Icrc(six).agrees(computed(), icrc(), payloadBytes());
        }
    }

    /** From a network card (ConnectX-4 Lx), a notification of congestion; its identification is not 0. */
    private static final Packet CARD = Packet.of("45c2003c718c40004011 9161 0a001101 0a001201 000012b700280000"
            + "8100ffff4000011800000000 00000000000000000000000000000000 82fd002a");

    private static final Packet UNRELIABLE = Packet.of("4501 0044 0478 4000 4011 0000 c0a80007 c0a80007"
            + "c000 12b7 0030 aca2 2460ffff000000d300cf1710 4630818be28935d90e9a95505401be885e500000 78f353f3");

    private static final Packet ACK = Packet.of(
            "450000300000400040115569c0a83202c0a8320112b712b7001c0000" + "1100ffff0000001100123456 1f000001 41481161");

    private static final Packet ACK6 = Packet.of("60000000001c1140 fd000000000000000000000000000002"
            + "fd000000000000000000000000000001 12b712b7001c0000 1100ffff0000001100123456 1f000001 91a6e72a");

    @Test
    void isThatOfTheVectors() {
        assertThat(ACK.computed()).isEqualTo(ACK.icrc()).isEqualTo(0x61114841);
        assertThat(ACK6.computed()).isEqualTo(ACK6.icrc());
    }

    @Test
    void solvesForTheIdentificationThatASocketDoesNotShow() {
        assertThat(Icrc.identification(CARD.computed() ^ CARD.icrc(), CARD.payloadBytes()))
                .isEqualTo(0x718C);
        assertThat(CARD.agrees()).isTrue();
        assertThat(Icrc.identification(UNRELIABLE.computed() ^ UNRELIABLE.icrc(), UNRELIABLE.payloadBytes()))
                .isEqualTo(1144);
    }

    @Test
    void findsWhatWasChangedOnTheWay() {
        for (var packet : new Packet[] {CARD, UNRELIABLE, ACK, ACK6}) {
            int found = 0;
            for (int i = packet.transport(); i < packet.bytes.length; i++) {
                var changed = new Packet(packet.bytes.clone(), packet.six);
                changed.bytes[i] ^= 0x10;
                found += changed.agrees() ? 0 : 1;
            }
            // All but the byte with FECN and BECN, which routers may change.
            assertThat(found).isEqualTo(packet.bytes.length - packet.transport() - 1);
        }
    }

    @Test
    void takesAnyIdentificationAtAnyLength() {
        var random = Seed.random("IcrcTest");
        for (int round = 0; round < 2000; round++) {
            var payload = new byte[12 + random.nextInt(4200)];
            random.nextBytes(payload);
            int identification = random.nextInt(1 << 16);
            var packet = packet(payload, identification);

            assertThat(Icrc.identification(packet.computed() ^ packet.icrc(), payload.length))
                    .isEqualTo(identification);
        }
    }

    @Test
    void refusesAllButOneIn65536OfWhatIsRandom() {
        var random = Seed.random("IcrcTest");
        int taken = 0;
        for (int round = 0; round < 200_000; round++) {
            taken += Icrc.identification(random.nextInt(), 1036) >= 0 ? 1 : 0;
        }

        // Three are expected.
        assertThat(taken).isLessThan(30);
    }

    private static Packet packet(byte[] payload, int identification) {
        int total = 28 + payload.length + 4;
        var bytes = new byte[total];
        var header = HexFormat.of().parseHex("45000000000040004011000001020304050607080aaa12b700000000");
        System.arraycopy(header, 0, bytes, 0, header.length);
        bytes[2] = (byte) (total >> 8);
        bytes[3] = (byte) total;
        bytes[4] = (byte) (identification >> 8);
        bytes[5] = (byte) identification;
        bytes[24] = (byte) (total - 20 >> 8);
        bytes[25] = (byte) (total - 20);
        System.arraycopy(payload, 0, bytes, 28, payload.length);
        var masked = bytes.clone();
        for (int at : new int[] {1, 8, 10, 11, 26, 27, 32}) {
            masked[at] = -1;
        }
        var crc = new CRC32();
        crc.update(new byte[] {-1, -1, -1, -1, -1, -1, -1, -1});
        crc.update(masked, 0, total - 4);
        for (int i = 0; i < 4; i++) {
            bytes[total - 4 + i] = (byte) (crc.getValue() >>> 8 * i);
        }
        return new Packet(bytes, false);
    }
}
