package io.doorbell.nvme;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.nvme.IdentifyNamespace.LbaFormat;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class IdentifyTest {
    private static final UUID NAME = UUID.fromString("01020304-0506-0708-090a-0b0c0d0e0f10");

    /** Room before and behind the structure, full of ones, which nothing may touch. */
    private static final int START = 3;

    private final MemorySegment data =
            MemorySegment.ofArray(new byte[START + 4096 + 5]).fill((byte) 0xFF);

    @Test
    void controllerDataRoundTrips() {
        IdentifyController.SN.set(data, START, "DB0001");
        IdentifyController.MN.set(data, START, "Doorbell emulated controller");
        IdentifyController.MDTS.set(data, START, 5);
        IdentifyController.VER.set(data, START, Version.NVME_2_1.raw());
        IdentifyController.SUBNQN.set(data, START, "nqn.2024-01.io.doorbell:one");
        IdentifyController.TNVMCAP.set(data, START, 1L << 40);

        assertThat(IdentifyController.SN.get(data, START)).isEqualTo("DB0001");
        assertThat(IdentifyController.MN.get(data, START)).isEqualTo("Doorbell emulated controller");
        assertThat(IdentifyController.MDTS.get(data, START)).isEqualTo(5);
        assertThat(IdentifyController.VER.get(data, START)).isEqualTo(Version.NVME_2_1.raw());
        assertThat(IdentifyController.SUBNQN.get(data, START)).isEqualTo("nqn.2024-01.io.doorbell:one");
        assertThat(IdentifyController.TNVMCAP.low(data, START)).isEqualTo(1L << 40);
    }

    @Test
    void lbaFormatsStandFromByte128OnFourBytesEach() {
        IdentifyNamespace.lbaf(data, START, 0, LbaFormat.ofBlockBytes(512));
        IdentifyNamespace.lbaf(data, START, 1, LbaFormat.of(8, 12, 2));

        assertThat(hex(START + 128, 8)).isEqualTo("00000900" + "08000c02");
        assertThat(IdentifyNamespace.lbaf(data, START, 0).blockBytes()).isEqualTo(512);
        var second = IdentifyNamespace.lbaf(data, START, 1);
        assertThat(second.ms()).isEqualTo(8);
        assertThat(second.lbads()).isEqualTo(12);
        assertThat(second.rp()).isEqualTo(2);
        assertThat(second.blockBytes()).isEqualTo(4096);
    }

    @Test
    void theFormatInUseTakesUpperIndexBitsOnlyWhereThereAreMoreThanSixteenFormats() {
        IdentifyNamespace.lbaf(data, START, 1, LbaFormat.ofBlockBytes(4096));
        IdentifyNamespace.lbaf(data, START, 33, LbaFormat.ofBlockBytes(512));
        IdentifyNamespace.FLBAS.set(data, START, 0b101_0001);

        IdentifyNamespace.NLBAF.set(data, START, 15);
        assertThat(IdentifyNamespace.currentFormat(data, START).blockBytes()).isEqualTo(4096);

        IdentifyNamespace.NLBAF.set(data, START, 40);
        assertThat(IdentifyNamespace.formatIndex(data, START)).isEqualTo(33);
        assertThat(IdentifyNamespace.currentFormat(data, START).blockBytes()).isEqualTo(512);
    }

    @Test
    void lbaFormatsThatCannotBeAreRefused() {
        assertThatThrownBy(() -> LbaFormat.ofBlockBytes(256)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> LbaFormat.ofBlockBytes(1000)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> IdentifyNamespace.lbaf(data, START, 64)).isInstanceOf(IllegalArgumentException.class);
        for (int lbads : new int[] {0, 8, 31, 255}) {
            var format = LbaFormat.of(0, lbads, 0);
            assertThat(format.isUsable()).isFalse();
            assertThatThrownBy(format::blockBytes).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void descriptorsAreWrittenOneBehindTheOther() {
        var identifiers = NamespaceIdentifiers.NONE
                .withEui64(0x0025_38AB_CDEF_0123L)
                .withNguid(NAME)
                .withUuid(new UUID(-1, -2))
                .withCsi(0);

        identifiers.writeTo(data, START);

        assertThat(hex(START, 64))
                .isEqualTo("01080000" + "002538abcdef0123"
                        + "02100000" + "0102030405060708090a0b0c0d0e0f10"
                        + "03100000" + "fffffffffffffffffffffffffffffffe"
                        + "04010000" + "00"
                        + "00000000000000");
        assertThat(NamespaceIdentifiers.readFrom(data, START)).isEqualTo(identifiers);
        checkEdges();
    }

    @Test
    void descriptorsThatAreNotThereStayAway() {
        NamespaceIdentifiers.NONE.writeTo(data, START);
        assertThat(NamespaceIdentifiers.readFrom(data, START)).isEqualTo(NamespaceIdentifiers.NONE);

        var uuidOnly = NamespaceIdentifiers.NONE.withUuid(NAME);
        uuidOnly.writeTo(data, START);
        assertThat(NamespaceIdentifiers.readFrom(data, START)).isEqualTo(uuidOnly);
    }

    @Test
    void unknownDescriptorsArePassedOverAndWrongOnesEndTheList() {
        var list = MemorySegment.ofArray(new byte[4096]);
        put(list, 0, "09030000" + "aabbcc" + "04010000" + "02");
        assertThat(NamespaceIdentifiers.readFrom(list, 0)).isEqualTo(NamespaceIdentifiers.NONE.withCsi(2));

        put(list, 0, "04010000" + "02" + "01070000" + "00112233445566" + "04010000" + "03");
        assertThat(NamespaceIdentifiers.readFrom(list, 0)).isEqualTo(NamespaceIdentifiers.NONE.withCsi(2));
    }

    @Test
    void descriptorListsOfAnyBytesAreReadWithinTheirBounds() {
        var random = Seed.random();
        for (int round = 0; round < 300; round++) {
            var list = MemorySegment.ofArray(new byte[4096]);
            for (int at = 0; at < 4096; at++) {
                list.set(JAVA_BYTE, at, (byte) random.nextInt(1 + random.nextInt(255)));
            }

            var identifiers = NamespaceIdentifiers.readFrom(list, 0);

            var written = MemorySegment.ofArray(new byte[4096]);
            identifiers.writeTo(written, 0);
            assertThat(NamespaceIdentifiers.readFrom(written, 0)).isEqualTo(identifiers);
        }
    }

    @Test
    void aDescriptorThatReachesTheLastByteIsRead() {
        var list = MemorySegment.ofArray(new byte[4096]);
        // Unknown types fill the list up to the last 5 bytes: 16 of 4 + 251, and one of 4 + 7.
        int at = 0;
        for (int i = 0; i < 16; i++, at += 255) {
            put(list, at, "70fb0000");
        }
        put(list, at, "70070000");
        put(list, at + 11, "04010000" + "05");

        assertThat(at + 11 + 5).isEqualTo(4096);
        assertThat(NamespaceIdentifiers.readFrom(list, 0)).isEqualTo(NamespaceIdentifiers.NONE.withCsi(5));
    }

    @Test
    void namespaceListsEndAtTheFirstZero() {
        NamespaceList.write(data, START, 1, 2, 0x0102_0304, -2);

        assertThat(hex(START, 20)).isEqualTo("01000000" + "02000000" + "04030201" + "feffffff" + "00000000");
        assertThat(NamespaceList.read(data, START)).containsExactly(1, 2, 0x0102_0304, -2);
        checkEdges();
        NamespaceList.write(data, START);
        assertThat(NamespaceList.read(data, START)).isEmpty();
    }

    @Test
    void namespaceListsHoldOneThousandAndTwentyFour() {
        var full = IntStream.rangeClosed(1, 1024).toArray();

        NamespaceList.write(data, START, full);

        assertThat(NamespaceList.read(data, START)).isEqualTo(full);
        checkEdges();
        assertThatThrownBy(() -> NamespaceList.write(data, START, new int[1025]))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void moreChangedNamespacesThanFitBecomeOverflow() {
        var full = IntStream.rangeClosed(1, 1024).toArray();
        ChangedNamespaceList.write(data, START, full);
        assertThat(ChangedNamespaceList.isOverflow(data, START)).isFalse();
        assertThat(ChangedNamespaceList.read(data, START)).isEqualTo(full);

        ChangedNamespaceList.write(data, START, IntStream.rangeClosed(1, 1025).toArray());

        assertThat(ChangedNamespaceList.isOverflow(data, START)).isTrue();
        assertThat(ChangedNamespaceList.read(data, START)).isEmpty();
        assertThat(hex(START, 8)).isEqualTo("ffffffff" + "00000000");
        checkEdges();
    }

    @Test
    void controllerListsStartWithTheirCount() {
        ControllerList.write(data, START, 1, 0xFFEF);

        assertThat(hex(START, 8)).isEqualTo("0200" + "0100" + "efff" + "0000");
        assertThat(ControllerList.read(data, START)).containsExactly(1, 0xFFEF);
        checkEdges();
        var full = IntStream.range(0, 2047).toArray();
        ControllerList.write(data, START, full);
        assertThat(ControllerList.read(data, START)).isEqualTo(full);
        checkEdges();
    }

    @Test
    void aControllerListThatClaimsTooManyIsRefused() {
        Field.u16(0).set(data, START, 2048);

        assertThat(ControllerList.count(data, START)).isEqualTo(2048);
        assertThatThrownBy(() -> ControllerList.read(data, START)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ControllerList.write(data, START, new int[2048]))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private void checkEdges() {
        var before = data.asSlice(0, START).toArray(JAVA_BYTE);
        var behind = data.asSlice(START + 4096).toArray(JAVA_BYTE);
        assertThat(HexFormat.of().formatHex(before)).isEqualTo("ff".repeat(START));
        assertThat(HexFormat.of().formatHex(behind)).isEqualTo("ff".repeat(5));
    }

    private String hex(long from, long length) {
        return HexFormat.of().formatHex(data.asSlice(from, length).toArray(JAVA_BYTE));
    }

    private static void put(MemorySegment list, long at, String hex) {
        list.asSlice(at).copyFrom(MemorySegment.ofArray(HexFormat.of().parseHex(hex)));
    }
}
