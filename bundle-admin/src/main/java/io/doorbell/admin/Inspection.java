package io.doorbell.admin;

import io.doorbell.admin.Report.Section;
import io.doorbell.host.admin.AdminCommands;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.NvmeException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Supplier;

/** Asks one controller everything that can be asked without changing it. What it refuses is left out. */
final class Inspection {
    /** Key of the sections that are of a namespace. */
    static final String NAMESPACE = "namespace";

    private final AdminCommands admin;

    Inspection(AdminCommands admin) {
        this.admin = admin;
    }

    /** @param nsid only this namespace; null for the controller and all of them */
    Report report(Integer nsid) {
        var sections = new ArrayList<Section>();
        var identity = admin.identifyController();
        if (nsid == null) {
            controller(sections, identity);
        }
        for (int id : nsid == null ? admin.activeNamespaces() : List.of(nsid)) {
            namespace(id).ifPresentOrElse(sections::add, () -> {
                if (nsid != null) {
                    throw missing(id);
                }
            });
        }
        return new Report(admin.controller().transportId().toString(), List.copyOf(sections));
    }

    private void controller(List<Section> sections, MemorySegment identity) {
        var properties = new PropertySection(admin.controller());
        answered(properties::section).ifPresent(sections::add);
        sections.add(ControllerSections.capabilities(identity));
        sections.add(ControllerSections.adminCommands(identity));
        sections.add(ControllerSections.ioCommands(identity));
        sections.add(ControllerSections.powerStates(identity));
        sections.add(new FeatureSection(admin, identity).section());
        answered(() -> LogSections.smart(admin.smart())).ifPresent(sections::add);
        answered(() -> LogSections.errors(admin.errorLog())).ifPresent(sections::add);
        answered(() -> LogSections.firmware(admin.firmwareSlots())).ifPresent(sections::add);
        int oacs = IdentifyController.OACS.get(identity);
        if ((oacs & IdentifyController.OACS_DEVICE_SELF_TEST) != 0) {
            answered(() -> LogSections.selfTest(admin.selfTestLog())).ifPresent(sections::add);
        }
        if (IdentifyController.SANICAP.get(identity) != 0) {
            answered(() -> LogSections.sanitize(admin.sanitizeStatus())).ifPresent(sections::add);
        }
        if ((IdentifyController.LPA.get(identity) & IdentifyController.LPA_COMMANDS_SUPPORTED_AND_EFFECTS) != 0) {
            for (int csi : commandSets()) {
                answered(() -> LogSections.effects(csi, admin.commandEffects(csi)))
                        .ifPresent(sections::add);
            }
        }
    }

    /** That of NVM, and those of the active namespaces. */
    private TreeSet<Integer> commandSets() {
        var sets = new TreeSet<>(List.of(IdentifyCns.CSI_NVM));
        for (int nsid : admin.activeNamespaces()) {
            sets.add(commandSet(nsid));
        }
        return sets;
    }

    private int commandSet(int nsid) {
        return answered(() -> admin.namespaceIdentifiers(nsid).csi().orElse(IdentifyCns.CSI_NVM))
                .orElse(IdentifyCns.CSI_NVM);
    }

    private Optional<Section> namespace(int nsid) {
        var structure = admin.identifyNamespace(nsid);
        int csi = commandSet(nsid);
        if (IdentifyNamespace.NSZE.get(structure) == 0) {
            return Optional.empty();
        }
        var specific = answered(() -> admin.identify(IdentifyCns.COMMAND_SET_NAMESPACE, nsid, 0, csi));
        var identifiers = answered(() -> admin.namespaceIdentifiers(nsid));
        return Optional.of(new NamespaceSection(nsid, structure, csi, specific, identifiers).section());
    }

    private NvmeException missing(int nsid) {
        return new NvmeException(
                NvmeException.Kind.GIVE_UP,
                admin.controller().transportId() + ", namespace " + Integer.toUnsignedString(nsid),
                "is not active; active: " + admin.activeNamespaces());
    }

    /** The structure behind the report: of the controller, or of one namespace. */
    MemorySegment structure(Integer nsid) {
        return nsid == null ? admin.identifyController() : admin.identifyNamespace(nsid);
    }

    /** Empty when the controller refuses; a controller that does not answer is no such thing. */
    private static <T> Optional<T> answered(Supplier<T> question) {
        try {
            return Optional.of(question.get());
        } catch (NvmeException e) {
            if (e.status().isEmpty() && e.kind() != NvmeException.Kind.GIVE_UP) {
                throw e;
            }
            return Optional.empty();
        }
    }
}
