package io.doorbell.admin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.backends.MemoryBackend;
import io.doorbell.backends.NullBackend;
import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeController;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class IdentifyTest {
    private static final String TRID = "trtype:EMULATED traddr:nvme0";

    private final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    private final NvmSubsystem subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:test", "SN7", "Model of a test");
    private final EmulatedFunction function;
    private final PcieController controller;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    IdentifyTest() {
        subsystem.addNamespace(1, new MemoryBackend().open(NamespaceSpec.parse("memory:1MiB:512")));
        subsystem.addNamespace(3, new NullBackend().open(NamespaceSpec.parse("null:1TiB:4096")));
        function = EmulatedFunction.create(EmulatorSettings.of("nvme0"), subsystem, reactors);
        controller = PcieController.open(function, PcieOptions.DEFAULTS);
    }

    @AfterEach
    void close() {
        controller.close();
        function.close();
        subsystem.close();
        reactors.close();
    }

    private int identify(String... args) {
        return new Identify(() -> List.<NvmeController>of(controller))
                .run(new PrintWriter(out, true), new PrintWriter(err, true), args);
    }

    @Test
    void printsEverySectionAligned() {
        assertThat(identify("-r", TRID)).as(err.toString()).isZero();

        var lines = out.toString().lines().toList();
        assertThat(lines)
                .contains(
                        TRID,
                        "Controller properties",
                        "Controller",
                        "Admin commands",
                        "I/O commands",
                        "Power states",
                        "Features",
                        "Health (SMART)",
                        "Errors: none",
                        "Firmware slots",
                        "Self-tests: none",
                        "Sanitize",
                        "Commands",
                        "Namespace 1: NVM command set",
                        "Namespace 3: NVM command set");
        assertThat(out.toString())
                .contains("SN7", "Model of a test", "Namespace Management and Attachment", "2,048 blocks, 1.0 MiB");
        var serial = line(lines, "  Serial number");
        int column = serial.indexOf("SN7");
        assertThat(line(lines, "  Version").substring(column)).startsWith("2.");
        assertThat(line(lines, "  Power cycles").substring(column)).isEqualTo("1");
        assertThat(line(lines, "  Namespace identifier").substring(column)).isEqualTo("1");
        assertThat(lines).allSatisfy(line -> assertThat(line).doesNotEndWith(" "));
    }

    private static String line(List<String> lines, String start) {
        return lines.stream().filter(line -> line.startsWith(start)).findFirst().orElseThrow();
    }

    @Test
    void asksForNothingThatTheControllerHasNot() {
        identify("-r", TRID);
        identify("-r", TRID);

        assertThat(out.toString())
                .as("each refusal would be an error in the log")
                .doesNotContain("Invalid Field");
    }

    @Test
    void readsLogPagesWithoutAnsweringTheirEvents() {
        var retains = new ArrayList<Boolean>();
        var heard = (NvmeController) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {NvmeController.class}, (_, method, arguments) -> {
                    if (arguments != null
                            && arguments[0] instanceof NvmCommand command
                            && command.opc == AdminOpcode.GET_LOG_PAGE) {
                        retains.add((command.cdw10 & 1 << 15) != 0);
                    }
                    return method.invoke(controller, arguments);
                });

        int code = new Identify(() -> List.of(heard)).run(new PrintWriter(out, true), new PrintWriter(err, true));

        assertThat(code).as(err.toString()).isZero();
        assertThat(retains).isNotEmpty().containsOnly(true);
    }

    @Test
    void theSameAsJson() throws IOException {
        assertThat(identify("--json")).as(err.toString()).isZero();

        var json = JSON.std.mapFrom(out.toString());
        assertThat(json).containsEntry("version", ReportJson.VERSION);
        var report = object(((List<?>) json.get("controllers")).getFirst());
        assertThat(report).containsEntry("trid", TRID);
        assertThat(object(report.get("controller"))).containsEntry("sn", "SN7").containsEntry("cntlid", 1);
        assertThat((List<?>) object(object(report.get("admin")).get("oacs")).get("set"))
                .anySatisfy(set -> assertThat(set).isEqualTo("Format NVM"));
        assertThat(object(report.get("smart"))).containsEntry("available_spare", 100);
        var namespaces = (List<?>) report.get("namespaces");
        assertThat(namespaces).hasSize(2);
        assertThat(object(namespaces.getLast())).containsEntry("nsid", 3).containsEntry("nsze", 268_435_456);
        var formats = (List<?>) object(namespaces.getFirst()).get("formats");
        assertThat(object(formats.getFirst())).containsEntry("block_bytes", 512).containsEntry("in_use", true);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(Object value) {
        return (Map<String, Object>) value;
    }

    @Test
    void oneNamespaceAloneAndItsBytes() {
        assertThat(identify("--namespace", "3")).isZero();
        assertThat(out.toString()).contains("Namespace 3").doesNotContain("Serial number", "Namespace 1");
        out.getBuffer().setLength(0);

        assertThat(identify("-r", TRID, "--hex", "--namespace", "1")).isZero();

        // NSZE, 2048 blocks, and then what repeats once.
        assertThat(out.toString())
                .contains("00000000  00 08 00 00 00 00 00 00  00 08 00 00 00 00 00 00", "*\n", "00001000\n");
        assertThat(identify("--namespace", "2")).isEqualTo(Identify.FAILED);
        assertThat(err.toString()).contains("namespace 2", "is not active; active: [1, 3]");
    }

    @Test
    void theBytesOfTheControllerShowItsTexts() {
        assertThat(identify("--hex")).isZero();

        assertThat(out.toString()).contains("|6.6.SN7 ");
    }

    @Test
    void saysWhatIsNotThere() {
        assertThat(identify("-r", "trtype:EMULATED traddr:nvme9")).isEqualTo(Identify.FAILED);

        assertThat(err.toString()).contains("no controller trtype:EMULATED traddr:nvme9", "there are: " + TRID);
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void refusesFlagsItDoesNotUnderstand() {
        assertThat(identify("--jsno")).isEqualTo(Identify.WRONG_FLAGS);
        assertThat(identify("-r", "nonsense")).isEqualTo(Identify.WRONG_FLAGS);
        assertThat(identify("--json", "--hex")).isEqualTo(Identify.WRONG_FLAGS);
        assertThat(err.toString()).contains("--help tells all flags");
        assertThat(identify("--help")).isZero();
        assertThat(out.toString()).contains("--transport", "--hex");
    }

    @Test
    void aDevicesTextIsNoCommandToATerminal() {
        assertThat(Words.clean("\u001b[2Jevil\u0007 °")).isEqualTo("?[2Jevil? ?");
    }

    @Test
    void bitsWithoutANameAreSaidByTheirNumber() {
        assertThat(Bits.of(0, "zero", 2, "two").except(8).of(0b11101)).containsExactly("zero", "two", "bit 4");
    }
}
