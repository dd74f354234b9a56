package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.ReservationReport.Registrant;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReservationTest {
    private static final ReservationReport REPORT = new ReservationReport(
            0x04030201,
            Reservation.EXCLUSIVE_ACCESS_ALL_REGISTRANTS,
            true,
            List.of(
                    new Registrant(7, true, 0x1122334455667788L, 0x99L, 0xA1A2A3A4A5A6A7A8L),
                    new Registrant(ReservationReport.NO_CONTROLLER, false, 5, 6, 9)));

    private static String hex(MemorySegment data) {
        return HexFormat.of().formatHex(data.toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void reportsAreLaidOutAsSpecified() {
        assertThat(hex(REPORT.encode(false)))
                .isEqualTo("01020304" + "06" + "0200" + "0000" + "01" + "00".repeat(14)
                        + "0700" + "01" + "00".repeat(5) + "8877665544332211" + "a8a7a6a5a4a3a2a1"
                        + "ffff" + "00" + "00".repeat(5) + "0500000000000000" + "0900000000000000");
        assertThat(hex(REPORT.encode(true)))
                .isEqualTo("01020304" + "06" + "0200" + "0000" + "01" + "00".repeat(54)
                        + "0700" + "01" + "00".repeat(5) + "a8a7a6a5a4a3a2a1" + "8877665544332211" + "9900000000000000"
                        + "00".repeat(32) + "ffff" + "00" + "00".repeat(5) + "0900000000000000" + "0500000000000000"
                        + "0600000000000000" + "00".repeat(32));
    }

    @Test
    void reportsAreReadAsTheyWereWritten() {
        assertThat(ReservationReport.decode(REPORT.encode(true), true)).isEqualTo(REPORT);

        var shortened = ReservationReport.decode(REPORT.encode(true).asSlice(0, 128), true);

        assertThat(shortened.registrants()).containsExactly(REPORT.registrants().getFirst());
        assertThat(shortened.gen()).isEqualTo(REPORT.gen());
    }

    @Test
    void typesAreWhatTheirNamesSay() {
        for (int type = 0; type < 8; type++) {
            String name = Reservation.typeName(type);
            assertThat(Reservation.isType(type)).as(name).isEqualTo(type >= 1 && type <= 6);
            assertThat(Reservation.excludesReads(type)).as(name).isEqualTo(name.startsWith("Exclusive"));
            assertThat(Reservation.isAllRegistrants(type)).as(name).isEqualTo(name.endsWith("All Registrants"));
            assertThat(Reservation.isRegistrantsOnly(type)).as(name).isEqualTo(name.endsWith("Registrants Only"));
        }
    }

    @Test
    void notificationsAreLaidOutAsSpecified() {
        var page = MemorySegment.ofArray(new byte[ReservationNotificationLog.SIZE_BYTES]);
        ReservationNotificationLog.LPC.set(page, 0x0102);
        ReservationNotificationLog.RNLPT.set(page, ReservationNotificationLog.RESERVATION_PREEMPTED);
        ReservationNotificationLog.NALP.set(page, 4);
        ReservationNotificationLog.NSID.set(page, 5);

        assertThat(hex(page)).isEqualTo("0201000000000000" + "03" + "04" + "0000" + "05000000" + "00".repeat(48));
    }
}
