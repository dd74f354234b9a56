package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE16;
import static io.doorbell.vfiouser.Wire.LE32;
import static io.doorbell.vfiouser.Wire.LE64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Offsets and values are those of libvfio-user's vfio-user.h and of linux/vfio.h. */
class MessagesTest {
    @Test
    void headerIsLaidOutAsInTheSpecification() {
        var bytes = Wire.allocate(Header.SIZE_BYTES);
        new Header(0xFFFE, Command.REGION_READ, 32, Header.REPLY | Header.ERROR, 22).encode(bytes);

        assertThat(bytes.get(LE16, 0)).isEqualTo((short) 0xFFFE);
        assertThat(bytes.get(LE16, 2)).isEqualTo((short) 9);
        assertThat(bytes.get(LE32, 4)).isEqualTo(32);
        assertThat(bytes.get(LE32, 8)).isEqualTo(0x21);
        assertThat(bytes.get(LE32, 12)).isEqualTo(22);
        assertThat(Header.decode(bytes))
                .isEqualTo(new Header(0xFFFE, Command.REGION_READ, 32, Header.REPLY | Header.ERROR, 22));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 15, Header.MAX_MESSAGE_BYTES + 1, Integer.MAX_VALUE, -1})
    void headerWithALengthThatNoMessageHasIsRefused(int messageBytes) {
        var bytes = Wire.allocate(Header.SIZE_BYTES);
        bytes.set(LE32, 4, messageBytes);

        assertThatThrownBy(() -> Header.decode(bytes)).isInstanceOf(ProtocolException.class);
    }

    @Test
    void dmaMapIsLaidOutAsInTheSpecification() {
        var map = new DmaMap(DmaMap.READABLE | DmaMap.WRITABLE, 0x1000, 0x7F00_0000_0000L, 0x20_0000);
        var payload = map.encode();

        assertThat(payload.byteSize()).isEqualTo(32);
        assertThat(payload.get(LE32, 0)).isEqualTo(32);
        assertThat(payload.get(LE32, 4)).isEqualTo(3);
        assertThat(payload.get(LE64, 8)).isEqualTo(0x1000);
        assertThat(payload.get(LE64, 16)).isEqualTo(0x7F00_0000_0000L);
        assertThat(payload.get(LE64, 24)).isEqualTo(0x20_0000);
        assertThat(DmaMap.decode(payload)).isEqualTo(map);
    }

    @ParameterizedTest
    @CsvSource({
        "4, 0, 4096, 4096",
        "3, 0, 4096, 0",
        "3, 0, 4096, -1",
        "3, -4096, 4096, 4096",
        "3, 0, -4096, 8192",
        "3, 0, -1, 2",
    })
    void dmaMapOfAnImpossibleRangeIsRefused(int flags, long offset, long iova, long bytes) {
        var payload = new DmaMap(flags, offset, iova, bytes).encode();

        assertThatThrownBy(() -> DmaMap.decode(payload)).isInstanceOf(ProtocolException.class);
    }

    @Test
    void dmaMapMayEndWithTheLastAddress() {
        var map = new DmaMap(DmaMap.READABLE, 0, -4096, 4096);

        assertThat(DmaMap.decode(map.encode())).isEqualTo(map);
    }

    @Test
    void dmaUnmapIsLaidOutAsInTheSpecification() {
        var unmap = new DmaUnmap(0, 0x7F00_0000_0000L, 0x20_0000);
        var payload = unmap.encode();

        assertThat(payload.byteSize()).isEqualTo(24);
        assertThat(payload.get(LE64, 8)).isEqualTo(0x7F00_0000_0000L);
        assertThat(payload.get(LE64, 16)).isEqualTo(0x20_0000);
        assertThat(DmaUnmap.decode(payload)).isEqualTo(unmap);
        assertThat(DmaUnmap.decode(new DmaUnmap(DmaUnmap.ALL, 0, 0).encode()).flags())
                .isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource({"1, 4096, 4096", "2, 4096, 0", "2, 0, 4096", "0, 0, 0", "0, -1, 2"})
    void dmaUnmapOfAnImpossibleRangeIsRefused(int flags, long iova, long bytes) {
        var payload = new DmaUnmap(flags, iova, bytes).encode();

        assertThatThrownBy(() -> DmaUnmap.decode(payload)).isInstanceOf(ProtocolException.class);
    }

    @Test
    void deviceInfoIsLaidOutAsInTheSpecification() {
        var info = new DeviceInfo(DeviceInfo.RESET | DeviceInfo.PCI, 9, 5);
        var payload = info.encode();

        assertThat(payload.byteSize()).isEqualTo(16);
        assertThat(payload.get(LE32, 4)).isEqualTo(3);
        assertThat(payload.get(LE32, 8)).isEqualTo(9);
        assertThat(payload.get(LE32, 12)).isEqualTo(5);
        assertThat(DeviceInfo.decode(payload)).isEqualTo(info);
    }

    @Test
    void regionInfoCarriesItsSparseAreas() {
        var info = new RegionInfo(
                RegionInfo.BAR0,
                7,
                0x4000,
                0,
                List.of(new RegionInfo.Area(0x1000, 0x1000), new RegionInfo.Area(0x3000, 8)));
        var payload = info.encode(4096);

        assertThat(payload.byteSize()).isEqualTo(32 + 16 + 2 * 16);
        assertThat(payload.get(LE32, 0)).isEqualTo(80);
        assertThat(payload.get(LE32, 4)).as("with the flag of capabilities").isEqualTo(0xF);
        assertThat(payload.get(LE32, 12)).as("cap_offset").isEqualTo(32);
        assertThat(payload.get(LE64, 16)).isEqualTo(0x4000);
        assertThat(payload.get(LE16, 32)).as("VFIO_REGION_INFO_CAP_SPARSE_MMAP").isEqualTo((short) 1);
        assertThat(payload.get(LE32, 40)).as("nr_areas").isEqualTo(2);
        assertThat(payload.get(LE64, 48)).isEqualTo(0x1000);
        assertThat(payload.get(LE64, 72)).isEqualTo(8);
        assertThat(RegionInfo.decode(payload, 0).areas()).isEqualTo(info.areas());
    }

    @Test
    void regionInfoWithoutRoomSaysHowMuchItTakes() {
        var info = new RegionInfo(RegionInfo.BAR0, 7, 0x4000, 0, List.of(new RegionInfo.Area(0x1000, 0x1000)));
        var payload = info.encode(32);

        assertThat(payload.byteSize()).isEqualTo(32);
        assertThat(RegionInfo.argsz(payload)).isEqualTo(64);
        assertThat(info.fits(32)).isFalse();
        assertThat(info.fits(64)).isTrue();
        assertThatThrownBy(() -> RegionInfo.decode(payload, 0)).isInstanceOf(ProtocolException.class);
    }

    @Test
    void regionThatIsMappableAndNamesNoAreasIsOneArea() {
        var payload = new RegionInfo(0, 3, 0x2000, 0, List.of()).encode(4096);
        payload.set(LE32, 4, 7);

        assertThat(RegionInfo.decode(payload, 0).areas()).containsExactly(new RegionInfo.Area(0, 0x2000));
    }

    @Test
    void areaThatLeavesItsRegionIsRefused() {
        for (var area : List.of(
                new RegionInfo.Area(0x3001, 0x1000),
                new RegionInfo.Area(-1, 1),
                new RegionInfo.Area(0, -1),
                new RegionInfo.Area(Long.MAX_VALUE, Long.MAX_VALUE))) {
            var payload = new RegionInfo(0, 7, 0x4000, 0, List.of(area)).encode(4096);

            assertThatThrownBy(() -> RegionInfo.decode(payload, 0))
                    .as("%s", area)
                    .isInstanceOf(ProtocolException.class);
        }
    }

    @Test
    void ringOfCapabilitiesIsRefused() {
        var payload = new RegionInfo(0, 7, 0x4000, 0, List.of(new RegionInfo.Area(0, 0x1000))).encode(4096);
        payload.set(LE16, 32, (short) 77);
        payload.set(LE32, 36, 32);

        assertThatThrownBy(() -> RegionInfo.decode(payload, 0)).hasMessageContaining("more than 16 capabilities");
    }

    @Test
    void answerAboutAnotherRegionIsRefused() {
        var payload = new RegionInfo(3, 3, 0x4000, 0, List.of()).encode(4096);

        assertThatThrownBy(() -> RegionInfo.decode(payload, 0)).isInstanceOf(ProtocolException.class);
    }

    @Test
    void signsAreLaidOutAsInLibvfioUser() {
        var signs = new RegionSigns(
                RegionInfo.BAR0, List.of(new RegionSigns.Sign(0x1000, 0x1000, RegionSigns.SHADOWED, 0, 1, 0x40)));
        var payload = signs.encode(4096);

        assertThat(payload.byteSize()).isEqualTo(16 + 48);
        assertThat(payload.get(LE32, 0)).isEqualTo(64);
        assertThat(payload.get(LE32, 12)).isEqualTo(1);
        assertThat(payload.get(LE64, 16)).as("gpa_offset").isEqualTo(0x1000);
        assertThat(payload.get(LE32, 32)).as("fd_index").isZero();
        assertThat(payload.get(LE32, 36)).as("type").isEqualTo(2);
        assertThat(payload.get(LE32, 44)).as("shadow_mem_fd_index").isEqualTo(1);
        assertThat(payload.get(LE64, 48)).as("shadow_offset").isEqualTo(0x40);
        assertThat(RegionSigns.decode(payload, 0)).isEqualTo(signs);
    }

    @Test
    void signsOfTheSpecificationsLengthAreRead() {
        var payload = Wire.allocate(16 + 40);
        payload.set(LE32, 12, 1);
        payload.set(LE64, 16, 0x1000);
        payload.set(LE32, 36, RegionSigns.EVENTFD);

        assertThat(RegionSigns.decode(payload, 0).signs()).singleElement().satisfies(sign -> {
            assertThat(sign.offset()).isEqualTo(0x1000);
            assertThat(sign.kind()).isEqualTo(RegionSigns.EVENTFD);
        });
        payload.set(LE32, 36, RegionSigns.SHADOWED);
        assertThatThrownBy(() -> RegionSigns.decode(payload, 0)).isInstanceOf(ProtocolException.class);
    }

    @Test
    void irqInfoIsLaidOutAsInTheSpecification() {
        var info = new IrqInfo(IrqInfo.EVENTFD | IrqInfo.NO_RESIZE, IrqInfo.MSIX, 32);
        var payload = info.encode();

        assertThat(payload.byteSize()).isEqualTo(16);
        assertThat(payload.get(LE32, 4)).isEqualTo(9);
        assertThat(payload.get(LE32, 8)).isEqualTo(2);
        assertThat(payload.get(LE32, 12)).isEqualTo(32);
        assertThat(IrqInfo.decode(payload)).isEqualTo(info);
    }

    @Test
    void irqSetOfEventFdsIsLaidOutAsInTheSpecification() {
        var payload = IrqSet.eventFds(IrqInfo.MSIX, 1, 3);

        assertThat(payload.byteSize()).isEqualTo(20);
        assertThat(payload.get(LE32, 4)).isEqualTo(0x24);
        assertThat(payload.get(LE32, 8)).isEqualTo(2);
        assertThat(payload.get(LE32, 12)).isEqualTo(1);
        assertThat(payload.get(LE32, 16)).isEqualTo(3);
        var set = IrqSet.decode(payload, 3, index -> index == IrqInfo.MSIX ? 4 : 0);
        assertThat(set.action()).isEqualTo(IrqSet.TRIGGER);
        assertThat(set.data()).isEqualTo(IrqSet.EVENTFDS);
        assertThat(IrqSet.decode(IrqSet.end(IrqInfo.MSIX), 0, index -> 4).count())
                .isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "0x24, 2, 0, 5, 5", // more than there are
        "0x24, 2, 4, 1, 1",
        "0x24, 2, 2147483647, 1, 1",
        "0x24, 2, 0, -1, 0",
        "0x24, 2, 0, 2, 1", // another number of descriptors
        "0x21, 2, 0, 1, 1", // descriptors and no use for them
        "0x3C, 2, 0, 1, 0", // two actions
        "0x27, 2, 0, 1, 0", // all kinds of data
        "0x22, 2, 0, 4, 0", // booleans, and there are none
        "0x61, 2, 0, 1, 0", // an unknown flag
        "0x24, 1, 0, 1, 1", // a kind that is not there
        "0x21, 2, 1, 0, 0",
        "0x11, 2, 0, 0, 0",
    })
    void irqSetThatMakesNoSenseIsRefused(String flags, int index, int start, int count, int descriptors) {
        var payload = IrqSet.eventFds(index, start, count);
        payload.set(LE32, 4, Integer.decode(flags));

        assertThatThrownBy(() -> IrqSet.decode(payload, descriptors, kind -> kind == IrqInfo.MSIX ? 4 : 0))
                .isInstanceOf(ProtocolException.class);
    }

    @Test
    void regionAccessIsLaidOutAsInTheSpecification() {
        var access = new RegionAccess(0x14, RegionInfo.BAR0, 4);
        var payload = access.encodeWithData();
        RegionAccess.data(payload).set(LE32, 0, 0x460001);

        assertThat(payload.byteSize()).isEqualTo(20);
        assertThat(payload.get(LE64, 0)).isEqualTo(0x14);
        assertThat(payload.get(LE32, 8)).isZero();
        assertThat(payload.get(LE32, 12)).isEqualTo(4);
        assertThat(payload.get(LE32, 16)).isEqualTo(0x460001);
        assertThat(RegionAccess.decodeWithData(payload)).isEqualTo(access);
        assertThat(RegionAccess.decodeRead(access.encode())).isEqualTo(access);
    }

    @Test
    void regionAccessWhoseDataIsNotAsLongAsItSaysIsRefused() {
        var payload = new RegionAccess(0, 0, 4).encodeWithData();
        payload.set(LE32, 12, 8);

        assertThatThrownBy(() -> RegionAccess.decodeWithData(payload)).isInstanceOf(ProtocolException.class);
        payload.set(LE32, 12, Header.MAX_DATA_BYTES + 1);
        assertThatThrownBy(() -> RegionAccess.decodeRead(payload)).isInstanceOf(ProtocolException.class);
        payload.set(LE32, 12, -1);
        assertThatThrownBy(() -> RegionAccess.decodeRead(payload)).isInstanceOf(ProtocolException.class);
    }

    @Test
    void dmaAccessIsLaidOutAsInTheSpecification() {
        var access = new DmaAccess(0x7F00_0000_0000L, 512);
        var payload = access.encodeWithData();

        assertThat(payload.byteSize()).isEqualTo(16 + 512);
        assertThat(payload.get(LE64, 0)).isEqualTo(0x7F00_0000_0000L);
        assertThat(payload.get(LE64, 8)).isEqualTo(512);
        assertThat(DmaAccess.decodeWithData(payload)).isEqualTo(access);
        payload.set(LE64, 0, -100);
        assertThatThrownBy(() -> DmaAccess.decodeRead(payload)).isInstanceOf(ProtocolException.class);
    }

    @Test
    void versionWithoutDataHasTheDefaults() {
        var payload = Wire.allocate(4);
        payload.set(LE16, 2, (short) 1);

        assertThat(Version.decode(payload)).isEqualTo(new Version(0, 1, new Capabilities(1, 1 << 20, 65_535, 4096)));
    }

    @Test
    void versionSurvivesTheWay() {
        var version = new Version(0, 1, new Capabilities(8, 65_536, 16, 4096 | 2 << 20));

        assertThat(Version.decode(version.encode())).isEqualTo(version);
    }

    @Test
    void versionIsAnsweredWithNoLaterMinorThanWasAsked() {
        assertThat(new Version(0, 0, Capabilities.DEFAULT)
                        .answer(Capabilities.DEFAULT)
                        .minor())
                .isZero();
        assertThat(new Version(0, 7, Capabilities.DEFAULT)
                        .answer(Capabilities.DEFAULT)
                        .minor())
                .isEqualTo(1);
    }

    @Test
    void capabilitiesThatWeDoNotKnowAreIgnored() {
        var json =
                "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,\"migration\":{\"pgsize\":4096},"
                        + "\"twin_socket\":{\"supported\":true,\"fd_index\":0}}, \"more\": [1, 2.5e3, null, false, \"\\u0041\\n\"]}";

        assertThat(version(json).capabilities()).isEqualTo(new Capabilities(8, 1 << 20, 65_535, 4096));
        assertThat(version("{}").capabilities()).isEqualTo(Capabilities.DEFAULT);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "{",
                "{\"capabilities\":1}",
                "{\"capabilities\":{\"max_msg_fds\":\"8\"}}",
                "{\"capabilities\":{\"max_msg_fds\":-1}}",
                "{\"capabilities\":{\"max_data_xfer_size\":0}}",
                "{\"capabilities\":{\"max_data_xfer_size\":1e999999999}}",
                "{\"capabilities\":{\"max_dma_maps\":99999999999999999999999}}",
                "{\"a\":tru}",
                "{\"a\":\"\\x\"}",
                "{\"a\":1,}",
            })
    void versionWithBadDataIsRefused(String json) {
        assertThatThrownBy(() -> version(json)).isInstanceOf(ProtocolException.class);
    }

    @Test
    void versionWithTooManyLevelsIsRefused() {
        assertThatThrownBy(() -> version("[".repeat(100_000))).hasMessageContaining("not a JSON object");
    }

    @Test
    void versionOfAnotherMajorOrWithoutAnEndIsRefused() {
        var payload = new Version(1, 0, Capabilities.DEFAULT).encode();

        assertThatThrownBy(() -> Version.decode(payload)).hasMessageContaining("1.0");
        payload.set(LE16, 0, (short) 0);
        assertThatThrownBy(() -> Version.decode(payload.asSlice(0, payload.byteSize() - 1)))
                .hasMessageContaining("NUL");
    }

    private static Version version(String json) {
        byte[] data = (json + "\0").getBytes(StandardCharsets.UTF_8);
        var payload = Wire.allocate(4 + data.length);
        MemorySegment.copy(MemorySegment.ofArray(data), 0, payload, 4, data.length);
        return Version.decode(payload);
    }
}
