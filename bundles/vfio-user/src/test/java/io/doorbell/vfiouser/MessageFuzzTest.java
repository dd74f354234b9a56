package io.doorbell.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Whatever bytes come, decoding answers with a message or a {@link ProtocolException}, and reads nothing else. */
class MessageFuzzTest {
    private static final List<Consumer<MemorySegment>> DECODERS = List.of(
            Version::decode,
            DmaMap::decode,
            DmaUnmap::decode,
            DeviceInfo::decode,
            DeviceInfo::decodeQuestion,
            RegionInfo.Question::decode,
            payload -> RegionInfo.decode(payload, 0),
            RegionSigns.Question::decode,
            payload -> RegionSigns.decode(payload, 0),
            IrqInfo::decode,
            payload -> IrqSet.decode(payload, 1, index -> index == IrqInfo.MSIX ? 32 : 0),
            RegionAccess::decodeRead,
            RegionAccess::decodeWithData,
            DmaAccess::decodeRead,
            DmaAccess::decodeWithData);

    private static final List<MemorySegment> VALID = List.of(
            new Version(0, 1, new Capabilities(8, 65_536, 16, 4096)).encode(),
            new DmaMap(3, 0, 0x1000, 0x1000).encode(),
            new DmaUnmap(0, 0x1000, 0x1000).encode(),
            new DeviceInfo(3, 9, 5).encode(),
            RegionInfo.question(0, 4096),
            new RegionInfo(0, 7, 0x4000, 0, List.of(new RegionInfo.Area(0x1000, 0x1000))).encode(4096),
            RegionSigns.question(0),
            new RegionSigns(0, List.of(new RegionSigns.Sign(0x1000, 0x1000, 2, 0, 1, 0))).encode(4096),
            new IrqInfo(9, 2, 32).encode(),
            IrqSet.eventFds(2, 0, 1),
            new RegionAccess(0x1000, 0, 8).encodeWithData(),
            new DmaAccess(0x1000, 8).encodeWithData());

    @Test
    void decodesAnythingOrRefusesIt() {
        var random = Seed.random("decodesAnythingOrRefusesIt");
        int refused = 0;
        int cases = Seed.cases(50_000);

        for (int i = 0; i < cases; i++) {
            var payload = payload(random);
            for (var decoder : DECODERS) {
                try {
                    decoder.accept(payload);
                } catch (ProtocolException expected) {
                    refused++;
                }
            }
        }

        assertThat(refused).as("some of it").isPositive();
        assertThat(refused).as("not all of it").isLessThan(cases * DECODERS.size());
    }

    /** Noise, or a good message with a few bytes changed, cut or made longer. */
    private static MemorySegment payload(Random random) {
        if (random.nextInt(8) == 0) {
            var noise = new byte[random.nextInt(200)];
            random.nextBytes(noise);
            return MemorySegment.ofArray(noise);
        }
        byte[] bytes = VALID.get(random.nextInt(VALID.size())).toArray(ValueLayout.JAVA_BYTE);
        if (random.nextInt(4) == 0) {
            bytes = java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length + 32));
        }
        for (int changes = random.nextInt(4); changes > 0 && bytes.length > 0; changes--) {
            int at = random.nextInt(bytes.length);
            bytes[at] = switch (random.nextInt(4)) {
                case 0 -> 0;
                case 1 -> -1;
                case 2 -> (byte) 0x80;
                default -> (byte) random.nextInt();
            };
        }
        return MemorySegment.ofArray(bytes);
    }
}
