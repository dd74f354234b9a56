package io.doorbell.admin;

import io.doorbell.admin.Report.Section;
import io.doorbell.host.NvmeController;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Version;
import java.util.ArrayList;
import java.util.List;

/** The controller's properties: registers of BAR0, or what Property Get answers. */
final class PropertySection {
    private static final int CRTO_UNIT_MILLIS = 500;

    private static final List<String> SHUTDOWN = List.of("no shutdown", "shutting down", "shut down", "reserved");

    private final NvmeController controller;

    PropertySection(NvmeController controller) {
        this.controller = controller;
    }

    Section section() {
        long rawCap = controller.property(Registers.CAP, 8);
        var cap = new ControllerCapabilities(rawCap);
        int rawVersion = (int) controller.property(Registers.VS, 4);
        int rawCc = (int) controller.property(Registers.CC, 4);
        int rawCsts = (int) controller.property(Registers.CSTS, 4);
        var builder = new Report.Builder("properties", "Controller properties");
        builder.value("cap", "Controller Capabilities", "CAP", Words.unsigned(rawCap), Words.hex(rawCap, 16))
                .value("mqes", "Entries of a queue, at most", "CAP.MQES", cap.maxQueueEntries())
                .value("cqr", "Queues physically contiguous", "CAP.CQR", cap.cqr(), Words.yes(cap.cqr()))
                .value("ams", "Weighted round robin", "CAP.AMS", cap.ams(), Words.yes((cap.ams() & 1) != 0))
                .value("to", "Ready timeout", "CAP.TO", cap.timeoutMillis(), cap.timeoutMillis() + " ms")
                .value("dstrd", "Doorbell stride", "CAP.DSTRD", cap.dstrd(), (4 << cap.dstrd()) + " bytes")
                .value("nssrs", "NVM Subsystem Reset", "CAP.NSSRS", cap.nssrs(), Words.yes(cap.nssrs()))
                .value("css", "Command sets", "CAP.CSS", cap.css(), commandSets(cap))
                .value(
                        "mps",
                        "Memory page sizes",
                        "CAP.MPS",
                        List.of(cap.minPageBytes(), cap.maxPageBytes()),
                        cap.minPageBytes() + " to " + cap.maxPageBytes() + " bytes")
                .value("cmbs", "Controller Memory Buffer", "CAP.CMBS", cap.cmbs(), Words.yes(cap.cmbs()))
                .value("pmrs", "Persistent Memory Region", "CAP.PMRS", cap.pmrs(), Words.yes(cap.pmrs()));
        builder.value("vs", "Version", "VS", rawVersion, new Version(rawVersion).toString());
        builder.value("cc", "Controller Configuration", "CC", rawCc, configuration(rawCc));
        builder.value("csts", "Controller Status", "CSTS", rawCsts, status(new ControllerStatus(rawCsts)));
        int aqa = (int) controller.property(Registers.AQA, 4);
        builder.value(
                "aqa",
                "Admin queues",
                "AQA",
                aqa,
                Registers.aqaSubmissionEntries(aqa) + " submission and " + Registers.aqaCompletionEntries(aqa)
                        + " completion entries");
        if (cap.crwms() || cap.crims()) {
            int crto = (int) controller.property(Registers.CRTO, 4);
            builder.value(
                    "crto",
                    "Controller Ready Timeouts",
                    "CRTO",
                    crto,
                    "with media " + (crto & 0xFFFF) * CRTO_UNIT_MILLIS + " ms");
        }
        return builder.build();
    }

    private static String commandSets(ControllerCapabilities cap) {
        var sets = new ArrayList<String>();
        if ((cap.css() & ControllerCapabilities.CSS_NVM) != 0) {
            sets.add("NVM");
        }
        if ((cap.css() & ControllerCapabilities.CSS_IO_COMMAND_SETS) != 0) {
            sets.add("others by profile");
        }
        if ((cap.css() & ControllerCapabilities.CSS_ADMIN_ONLY) != 0) {
            sets.add("admin only");
        }
        return String.join(", ", sets);
    }

    private static String configuration(int raw) {
        var cc = new ControllerConfiguration(raw);
        return Words.hex(raw & 0xFFFF_FFFFL, 8) + ": " + (cc.en() ? "enabled" : "disabled") + ", pages of "
                + cc.pageBytes() + " bytes, entries of " + (1 << cc.iosqes()) + " and " + (1 << cc.iocqes()) + " bytes";
    }

    private static String status(ControllerStatus csts) {
        return Words.hex(csts.raw() & 0xFFFF_FFFFL, 8) + ": " + (csts.rdy() ? "ready" : "not ready")
                + (csts.cfs() ? ", fatal" : "") + ", " + SHUTDOWN.get(csts.shst())
                + (csts.nssro() ? ", the subsystem was reset" : "") + (csts.pp() ? ", processing paused" : "");
    }
}
