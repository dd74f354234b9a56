package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Modifier;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatusTest {
    private static final Set<String> BITS = Set.of("MORE", "DNR");

    @ParameterizedTest
    @CsvSource({
        "0, 0x00, Successful Completion",
        "0, 0x01, Invalid Command Opcode",
        "0, 0x02, Invalid Field in Command",
        "0, 0x03, Command ID Conflict",
        "0, 0x04, Data Transfer Error",
        "0, 0x06, Internal Error",
        "0, 0x07, Command Abort Requested",
        "0, 0x08, Command Aborted due to SQ Deletion",
        "0, 0x0B, Invalid Namespace or Format",
        "0, 0x0C, Command Sequence Error",
        "0, 0x0F, Data SGL Length Invalid",
        "0, 0x11, SGL Descriptor Type Invalid",
        "0, 0x13, PRP Offset Invalid",
        "0, 0x1C, Sanitize Failed",
        "0, 0x20, Namespace is Write Protected",
        "0, 0x80, LBA Out of Range",
        "0, 0x81, Capacity Exceeded",
        "0, 0x82, Namespace Not Ready",
        "0, 0x83, Reservation Conflict",
        "0, 0x84, Format In Progress",
        "1, 0x00, Completion Queue Invalid",
        "1, 0x01, Invalid Queue Identifier",
        "1, 0x02, Invalid Queue Size",
        "1, 0x03, Abort Command Limit Exceeded",
        "1, 0x05, Asynchronous Event Request Limit Exceeded",
        "1, 0x08, Invalid Interrupt Vector",
        "1, 0x09, Invalid Log Page",
        "1, 0x0C, Invalid Queue Deletion",
        "1, 0x0D, Feature Identifier Not Saveable",
        "1, 0x0E, Feature Not Changeable",
        "1, 0x18, Namespace Already Attached",
        "1, 0x1A, Namespace Not Attached",
        "1, 0x1C, Controller List Invalid",
        "1, 0x80, Conflicting Attributes",
        "2, 0x80, Write Fault",
        "2, 0x81, Unrecovered Read Error",
        "2, 0x85, Compare Failure",
        "2, 0x86, Access Denied",
        "3, 0x00, Internal Path Error",
        "3, 0x02, Asymmetric Access Inaccessible",
        "3, 0x70, Host Pathing Error",
        "3, 0x71, Command Aborted By Host"
    })
    void hasTheNameOfTheSpecification(int sct, String sc, String name) {
        var status = new Status(sct << 8 | Integer.decode(sc) | Status.DNR);

        assertThat(status.name()).isEqualTo(name);
        assertThat(status.sct()).isEqualTo(sct);
        assertThat(status.sc()).isEqualTo(Integer.decode(sc));
    }

    @Test
    void constantsHaveTheirCodes() {
        assertThat(Status.SUCCESS).isZero();
        assertThat(Status.LBA_OUT_OF_RANGE).isEqualTo(0x080);
        assertThat(Status.ABORTED_BY_REQUEST).isEqualTo(0x007);
        assertThat(Status.INVALID_QUEUE_SIZE).isEqualTo(0x102);
        assertThat(Status.CONFLICTING_ATTRIBUTES).isEqualTo(0x180);
        assertThat(Status.COMPARE_FAILURE).isEqualTo(0x285);
        assertThat(Status.HOST_PATHING_ERROR).isEqualTo(0x370);
        assertThat(Status.DNR).isEqualTo(0x4000);
    }

    @Test
    void everyConstantHasACodeAndANameOfItsOwn() throws Exception {
        var codes = constants();

        assertThat(codes).hasSizeGreaterThan(90);
        assertThat(new HashSet<>(codes.values())).hasSameSizeAs(codes.values());
        var names = codes.values().stream().map(Status::name).toList();
        assertThat(names).doesNotHaveDuplicates().noneMatch(name -> name.startsWith("Unknown"));
    }

    @Test
    void codesNobodyDefinedSurviveAndSaySo() throws Exception {
        var known = new HashSet<>(constants().values());
        for (int raw = 0; raw <= 0x7FF; raw++) {
            var name = new Status(raw).name();
            if (!known.contains(raw)) {
                assertThat(name).isIn("Unknown Status", "Vendor Specific Status");
            }
        }
        assertThat(new Status(0x755)).hasToString("Vendor Specific Status (sct 7, sc 55h)");
        assertThat(new Status(0x0C1)).hasToString("Vendor Specific Status (sct 0, sc C1h)");
        assertThat(new Status(0x455)).hasToString("Unknown Status (sct 4, sc 55h)");
    }

    @Test
    void printsNameCodeAndWhatIsSet() {
        assertThat(new Status(Status.LBA_OUT_OF_RANGE | Status.DNR))
                .hasToString("LBA Out of Range (sct 0, sc 80h, DNR)");
        assertThat(new Status(Status.COMPARE_FAILURE | Status.MORE | 2 << 11))
                .hasToString("Compare Failure (sct 2, sc 85h, crd 2, more)");
        assertThat(new Status(0)).hasToString("Successful Completion (sct 0, sc 00h)");
    }

    @Test
    void takesItsFieldsApart() {
        var status = new Status(0x7FFF);

        assertThat(status.sc()).isEqualTo(0xFF);
        assertThat(status.sct()).isEqualTo(7);
        assertThat(status.crd()).isEqualTo(3);
        assertThat(status.more()).isTrue();
        assertThat(status.dnr()).isTrue();
        assertThat(status.code()).isEqualTo(0x7FF);
        assertThat(new Status(Status.DNR).isSuccess()).isTrue();
        assertThat(new Status(Status.DNR | Status.INVALID_FIELD).isSuccess()).isFalse();
    }

    @Test
    void refusesAPhaseTagThatWasNotTakenOff() {
        assertThatThrownBy(() -> new Status(0x8000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0x8000");
    }

    private static Map<String, Integer> constants() throws IllegalAccessException {
        var codes = new HashMap<String, Integer>();
        for (var field : Status.class.getFields()) {
            if (Modifier.isStatic(field.getModifiers()) && !BITS.contains(field.getName())) {
                codes.put(field.getName(), field.getInt(null));
            }
        }
        return codes;
    }
}
