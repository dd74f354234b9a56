package io.doorbell.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.host.MetadataFormat;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.QueuePair;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IoLayoutTest {
    private static final long SLOT = 64;
    private static final long SLBA = 0x1_0000_0007L;

    private final MemorySegment memory = MemorySegment.ofArray(new long[2048]);

    @ParameterizedTest
    @CsvSource({"false, false", "false, true", "true, false", "true, true"})
    void theHostFindsWhatIsNotAsItsTupleSays(boolean extended, boolean first) {
        var layout = layout(MetadataFormat.withProtection(16, extended, 1, first), "-e PRCHK=GUARD|REFTAG|APPTAG");
        layout.protect(memory, SLOT, SLBA);
        assertThat(layout.check(memory, SLOT, SLBA)).isEqualTo(Status.SUCCESS);

        assertThat(layout.check(memory, SLOT, SLBA + 1)).isEqualTo(Status.REFERENCE_TAG_CHECK_ERROR);
        var at = SLOT + layout.blockAt(7) + 511;
        memory.set(ValueLayout.JAVA_BYTE, at, (byte) 1);
        assertThat(layout.check(memory, SLOT, SLBA)).isEqualTo(Status.GUARD_CHECK_ERROR);
    }

    @Test
    void metadataOfItsOwnFollowsTheData() {
        var layout = layout(MetadataFormat.of(8, false), "");

        assertThat(layout.plain()).isFalse();
        assertThat(layout.transferBlockBytes()).isEqualTo(512);
        assertThat(layout.freeMetadataAt(1)).isEqualTo(4096 + 8);
        assertThat(layout.slotBytes()).isEqualTo(4096 + 64);
    }

    @Test
    void metadataInTheDataFollowsEachBlock() {
        var layout = layout(MetadataFormat.of(8, true), "");

        assertThat(layout.plain()).isTrue();
        assertThat(layout.transferBlockBytes()).isEqualTo(520);
        assertThat(layout.freeMetadataAt(1)).isEqualTo(520 + 512);
        assertThat(layout.slotBytes()).isEqualTo(8 * 520);
    }

    @Test
    void whatTheControllerMakesAllOfIsNotMoved() {
        var layout = layout(MetadataFormat.withProtection(8, true, 1, false), "-e PRACT=1");

        assertThat(layout.transferBlockBytes()).isEqualTo(512);
        assertThat(layout.freeMetadataBytes()).isZero();
        assertThat(layout.slotBytes()).isEqualTo(4096);
    }

    @Test
    void refusesToMakeTuplesThatItDoesNotKnow() {
        var wide = new NvmeNamespace(1, 1000, 512, new MetadataFormat(16, false, 1, 16, false, 48), 0, "");

        assertThat(IoLayout.refusal(Reports.options("-e PRCHK=GUARD"), wide)).contains("PRACT=1 leaves it");
        assertThat(IoLayout.refusal(Reports.options("-e PRACT=1,PRCHK=GUARD"), wide))
                .isNull();
        assertThat(IoLayout.refusal(Reports.options(""), wide)).isNull();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "PRACT=0; 0",
                "PRACT=1; 0x20000000",
                "PRCHK=GUARD; 0x10000000",
                "PRCHK=REFTAG|APPTAG; 0x0C000000",
                "PRACT=1,PRCHK=GUARD|REFTAG|APPTAG; 0x3C000000",
            })
    void readsWhatSpdkReads(String text, String flags) {
        assertThat(BlockProtection.parse("-e", text).ioFlags()).isEqualTo(Integer.decode(flags));
        assertThat(BlockProtection.parse("-e", text).byController())
                .isEqualTo((Integer.decode(flags) & QueuePair.PROTECTION_ACTION) != 0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "PRACT",
                "PRACT=2",
                "PRACT=1,",
                ",PRCHK=GUARD",
                "PRCHK=",
                "PRCHK=GUARD|",
                "PRCHK=GUARD|GUARD",
                "PRACT=1PRCHK=GUARD",
                "PRCHK=GUARD,PRACT=1",
                "guard"
            })
    void refusesOtherTexts(String text) {
        assertThatThrownBy(() -> BlockProtection.parse("-e", text))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("PRACT=0 or 1");
    }

    private static IoLayout layout(MetadataFormat metadata, String flags) {
        return IoLayout.of(Reports.options(flags), new NvmeNamespace(1, 1000, 512, metadata, 0, ""));
    }
}
