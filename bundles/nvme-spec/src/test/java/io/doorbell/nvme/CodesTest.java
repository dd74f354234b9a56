package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

class CodesTest {
    @Test
    void everyCodeIsItsOwnAndHasAName() throws Exception {
        checkNames(AdminOpcode.class, AdminOpcode::name, "Admin Opcode");
        checkNames(NvmOpcode.class, NvmOpcode::name, "I/O Opcode");
        checkNames(LogPageId.class, LogPageId::name, "Log Page ");
    }

    @Test
    void codesAreThoseOfTheSpecification() {
        assertThat(AdminOpcode.CREATE_IO_SUBMISSION_QUEUE).isEqualTo(0x01);
        assertThat(AdminOpcode.CREATE_IO_COMPLETION_QUEUE).isEqualTo(0x05);
        assertThat(AdminOpcode.IDENTIFY).isEqualTo(0x06);
        assertThat(AdminOpcode.ABORT).isEqualTo(0x08);
        assertThat(AdminOpcode.SET_FEATURES).isEqualTo(0x09);
        assertThat(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST).isEqualTo(0x0C);
        assertThat(AdminOpcode.KEEP_ALIVE).isEqualTo(0x18);
        assertThat(AdminOpcode.DOORBELL_BUFFER_CONFIG).isEqualTo(0x7C);
        assertThat(AdminOpcode.FABRICS).isEqualTo(0x7F);
        assertThat(NvmOpcode.WRITE).isEqualTo(0x01);
        assertThat(NvmOpcode.READ).isEqualTo(0x02);
        assertThat(NvmOpcode.WRITE_ZEROES).isEqualTo(0x08);
        assertThat(NvmOpcode.DATASET_MANAGEMENT).isEqualTo(0x09);
        assertThat(NvmOpcode.VERIFY).isEqualTo(0x0C);
        assertThat(FeatureId.NUMBER_OF_QUEUES).isEqualTo(0x07);
        assertThat(FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION).isEqualTo(0x0B);
        assertThat(FeatureId.KEEP_ALIVE_TIMER).isEqualTo(0x0F);
        assertThat(FeatureId.HOST_IDENTIFIER).isEqualTo(0x81);
        assertThat(LogPageId.SMART_HEALTH_INFORMATION).isEqualTo(0x02);
        assertThat(IdentifyCns.CONTROLLER_LIST).isEqualTo(0x13);
    }

    @Test
    void namesAreForPeople() {
        assertThat(AdminOpcode.name(0x7C)).isEqualTo("Doorbell Buffer Config");
        assertThat(AdminOpcode.name(0xC3)).isEqualTo("Admin Opcode C3h");
        assertThat(NvmOpcode.name(0x02)).isEqualTo("Read");
        assertThat(NvmOpcode.name(0x7F)).isEqualTo("Fabrics");
        assertThat(FeatureId.name(0x07)).isEqualTo("Number of Queues");
        assertThat(FeatureId.name(0xD0)).isEqualTo("Feature D0h");
        assertThat(LogPageId.name(0x05)).isEqualTo("Commands Supported and Effects");
        assertThat(IdentifyCns.name(0x02)).isEqualTo("Active Namespace ID List");
        assertThat(Registers.name(Registers.CSTS)).isEqualTo("CSTS");
        assertThat(Registers.name(0x1004)).isEqualTo("offset 1004h");
    }

    @Test
    void opcodesTellWhichWayTheDataGoes() {
        assertThat(NvmOpcode.transfersToController(NvmOpcode.WRITE)).isTrue();
        assertThat(NvmOpcode.transfersToHost(NvmOpcode.WRITE)).isFalse();
        assertThat(NvmOpcode.transfersToHost(NvmOpcode.READ)).isTrue();
        assertThat(NvmOpcode.transfersToController(NvmOpcode.READ)).isFalse();
        assertThat(NvmOpcode.transfersToController(NvmOpcode.WRITE_ZEROES)).isFalse();
        assertThat(NvmOpcode.transfersToHost(AdminOpcode.IDENTIFY)).isTrue();
    }

    @Test
    void asynchronousEventsPackAndUnpack() {
        var event = AsyncEvent.of(
                AsyncEvent.TYPE_NOTICE,
                AsyncEvent.NOTICE_ATTACHED_NAMESPACE_ATTRIBUTE_CHANGED,
                LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST);

        assertThat(event.dw0()).isEqualTo(0x0004_0002);
        assertThat(event).hasToString("notice 00h, log page Changed Attached Namespace List");
        var highest = new AsyncEvent(0x00FF_FF07);
        assertThat(highest.type()).isEqualTo(AsyncEvent.TYPE_VENDOR);
        assertThat(highest.info()).isEqualTo(0xFF);
        assertThat(highest.lid()).isEqualTo(0xFF);
        assertThat(AsyncEvent.dw0(7, 0xFF, 0xFF)).isEqualTo(0x00FF_FF07);
    }

    private static void checkNames(Class<?> codes, IntFunction<String> name, String fallback) throws Exception {
        var values = new ArrayList<Integer>();
        for (var field : codes.getFields()) {
            if (Modifier.isStatic(field.getModifiers())) {
                int value = field.getInt(null);
                values.add(value);
                assertThat(name.apply(value)).as(field.getName()).doesNotStartWith(fallback);
            }
        }
        assertThat(values).isNotEmpty().doesNotHaveDuplicates();
    }
}
