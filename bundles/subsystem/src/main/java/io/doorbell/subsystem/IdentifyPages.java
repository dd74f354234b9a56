package io.doorbell.subsystem;

import io.doorbell.nvme.AnaLog;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.FormatSettings;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyIndependentNamespace;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.IdentifyNamespace.LbaFormat;
import io.doorbell.nvme.NamespaceIdentifiers;
import io.doorbell.nvme.Reservation;
import io.doorbell.storage.BlockFormat;
import io.doorbell.target.AccessStates;
import io.doorbell.target.ControllerSetup;
import java.lang.foreign.MemorySegment;

/** The data structures of Identify. NVMe Base 2.1 §5.1.13 "Identify command". Pages come zeroed. */
final class IdentifyPages {
    static final int KEEP_ALIVE_UNIT_MILLIS = 100;

    /** The longest that can be rounded up to the unit. */
    static final int MAX_KEEP_ALIVE_MILLIS = Integer.MAX_VALUE - KEEP_ALIVE_UNIT_MILLIS;

    /** There is no sensor: the temperature is a constant, well below what is said to be warm. */
    static final int NOMINAL_KELVIN = 313;

    static final int WARNING_KELVIN = 343;
    static final int CRITICAL_KELVIN = 353;

    /** Aborts at a time, 0's based; the transport keeps to it. */
    private static final int ABORT_LIMIT_ZERO_BASED = 3;

    private static final int SQES_64 = 6 | 6 << 4;
    private static final int CQES_16 = 4 | 4 << 4;
    private static final int FIRMWARE_ACTIVATION_100_MILLIS = 1;

    /** What it may take to read everything; nobody knows how large the files are. */
    private static final int EXTENDED_SELF_TEST_MINUTES = 60;

    private static final int SHUTDOWN_MICROS = 10_000_000;
    private static final int PAGE_BYTES = 4096;
    private static final int OFCS_DISCONNECT = 1;

    private static final int CDFS_FORMAT_0 = 1;

    /** Metadata behind the data, or in a buffer of its own. */
    private static final int MC_BOTH = 3;

    private static final int FLBAS_EXTENDED = 1 << 4;

    /** Types 1 to 3, in the first or in the last bytes of the metadata. */
    private static final int DPC_ALL = 0x1F;

    private static final int DPS_FIRST = 1 << 3;

    /** The sizes that every namespace could be created with; FLBAS says which ones it has. */
    private record Sizes(int blockBytes, int metadataBytes) {}

    private static final Sizes[] FORMATS = {
        new Sizes(512, 0),
        new Sizes(4096, 0),
        new Sizes(512, 8),
        new Sizes(512, 16),
        new Sizes(512, 64),
        new Sizes(4096, 8),
        new Sizes(4096, 16),
        new Sizes(4096, 64)
    };

    private IdentifyPages() {}

    static void controller(MemorySegment page, NvmController controller) {
        capabilities(page, controller, controller.setup(), controller.subsystem());
        adminCommands(page, controller.setup(), controller.subsystem());
        nvmCommands(page, controller.setup(), controller.subsystem());
        if (!controller.setup().pci()) {
            fabrics(page, controller.setup());
        }
    }

    private static void fabrics(MemorySegment page, ControllerSetup setup) {
        // The unit of both is 16 bytes: 64 of a command with the data it brings, and 16 of a completion.
        IdentifyController.IOCCSZ.set(page, (64 + setup.inCapsuleBytes()) / 16);
        IdentifyController.IORCSZ.set(page, 1);
        IdentifyController.MSDBD.set(page, setup.sglDescriptors());
        IdentifyController.OFCS.set(page, OFCS_DISCONNECT);
        IdentifyController.MAXCMD.set(page, setup.maxQueueEntries());
        IdentifyController.CMIC.set(
                page,
                IdentifyController.CMIC_MULTIPLE_PORTS
                        | IdentifyController.CMIC_MULTIPLE_CONTROLLERS
                        | IdentifyController.CMIC_ANA_REPORTING);
        IdentifyController.OAES.set(page, IdentifyController.OAES.get(page) | AsyncEvent.CONFIG_ANA_CHANGE_NOTICES);
        IdentifyController.ANATT.set(page, ControllerAccess.TRANSITION_SECONDS);
        IdentifyController.ANACAP.set(page, AnaLog.ANACAP_ALL_STATES);
        IdentifyController.ANAGRPMAX.set(page, AccessStates.MAX_GROUP);
        IdentifyController.NANAGRPID.set(page, AccessStates.MAX_GROUP);
    }

    /** Of a namespace, to a host that is told of its group. */
    static void access(MemorySegment page, int group, ControllerAccess access) {
        IdentifyNamespace.ANAGRPID.set(page, group);
        if (!access.tellsUse(group)) {
            IdentifyNamespace.NUSE.set(page, 0L);
        }
    }

    private static void capabilities(
            MemorySegment page, NvmController controller, ControllerSetup setup, NvmSubsystem subsystem) {
        IdentifyController.VID.set(page, setup.vendorId());
        IdentifyController.SSVID.set(page, setup.vendorId());
        IdentifyController.SN.set(page, subsystem.serial());
        IdentifyController.MN.set(page, subsystem.model());
        IdentifyController.FR.set(page, subsystem.firmware().revision());
        IdentifyController.RAB.set(page, 6);
        IdentifyController.CMIC.set(page, IdentifyController.CMIC_MULTIPLE_CONTROLLERS);
        IdentifyController.MDTS.set(page, Integer.numberOfTrailingZeros(setup.maxTransferPages()));
        IdentifyController.CNTLID.set(page, controller.controllerId());
        IdentifyController.VER.set(page, controller.version());
        IdentifyController.RTD3E.set(page, SHUTDOWN_MICROS);
        IdentifyController.OAES.set(
                page, AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES | AsyncEvent.CONFIG_FIRMWARE_ACTIVATION_NOTICES);
        IdentifyController.CTRATT.set(
                page,
                IdentifyController.CTRATT_HOST_IDENTIFIER_128
                        | (setup.pci() ? 0 : IdentifyController.CTRATT_TRAFFIC_BASED_KEEP_ALIVE));
        IdentifyController.CNTRLTYPE.set(page, IdentifyController.CNTRLTYPE_IO);
        IdentifyController.SUBNQN.set(page, subsystem.nqn());
    }

    private static void adminCommands(MemorySegment page, ControllerSetup setup, NvmSubsystem subsystem) {
        IdentifyController.OACS.set(
                page,
                IdentifyController.OACS_SECURITY
                        | IdentifyController.OACS_FORMAT_NVM
                        | IdentifyController.OACS_FIRMWARE
                        | IdentifyController.OACS_NAMESPACE_MANAGEMENT
                        | IdentifyController.OACS_DEVICE_SELF_TEST
                        | (setup.doorbellBufferConfig() ? IdentifyController.OACS_DOORBELL_BUFFER_CONFIG : 0));
        IdentifyController.ACL.set(page, ABORT_LIMIT_ZERO_BASED);
        IdentifyController.AERL.set(page, AsyncEvents.MAX_REQUESTS - 1);
        IdentifyController.FRMW.set(
                page,
                IdentifyController.FRMW_SLOT_1_READ_ONLY
                        | FirmwareSlots.SLOTS << 1
                        | IdentifyController.FRMW_ACTIVATION_WITHOUT_RESET);
        IdentifyController.FWUG.set(page, FirmwareSlots.GRANULARITY_BYTES / PAGE_BYTES);
        IdentifyController.MTFA.set(page, FIRMWARE_ACTIVATION_100_MILLIS);
        IdentifyController.EDSTT.set(page, EXTENDED_SELF_TEST_MINUTES);
        IdentifyController.DSTO.set(page, IdentifyController.DSTO_ONE_AT_A_TIME);
        IdentifyController.SANICAP.set(
                page,
                IdentifyController.SANICAP_BLOCK_ERASE
                        | IdentifyController.SANICAP_OVERWRITE
                        | IdentifyController.SANICAP_NO_DEALLOCATE_INHIBITED
                        | IdentifyController.SANICAP_NOT_MODIFIED_AFTER);
        IdentifyController.LPA.set(
                page,
                IdentifyController.LPA_COMMANDS_SUPPORTED_AND_EFFECTS
                        | IdentifyController.LPA_EXTENDED_DATA
                        | IdentifyController.LPA_SUPPORTED_LOG_PAGES);
        IdentifyController.ELPE.set(page, ErrorLog.ENTRIES - 1);
        IdentifyController.WCTEMP.set(page, WARNING_KELVIN);
        IdentifyController.CCTEMP.set(page, CRITICAL_KELVIN);
        IdentifyController.TNVMCAP.set(page, subsystem.totalBytes());
        IdentifyController.UNVMCAP.set(page, subsystem.unallocatedBytes());
        IdentifyController.KAS.set(page, KEEP_ALIVE_UNIT_MILLIS / 100);
    }

    private static void nvmCommands(MemorySegment page, ControllerSetup setup, NvmSubsystem subsystem) {
        IdentifyController.SQES.set(page, SQES_64);
        IdentifyController.CQES.set(page, CQES_16);
        IdentifyController.NN.set(page, NvmSubsystem.MAX_NSID);
        IdentifyController.MNAN.set(page, NvmSubsystem.MAX_NSID);
        IdentifyController.ONCS.set(
                page,
                IdentifyController.ONCS_COMPARE
                        | IdentifyController.ONCS_WRITE_UNCORRECTABLE
                        | IdentifyController.ONCS_DATASET_MANAGEMENT
                        | IdentifyController.ONCS_WRITE_ZEROES
                        | IdentifyController.ONCS_SAVE_AND_SELECT
                        | IdentifyController.ONCS_RESERVATIONS
                        | IdentifyController.ONCS_TIMESTAMP
                        | IdentifyController.ONCS_VERIFY
                        | IdentifyController.ONCS_COPY);
        IdentifyController.FNA.set(page, IdentifyController.FNA_NO_BROADCAST);
        IdentifyController.FUSES.set(page, IdentifyController.FUSES_COMPARE_AND_WRITE);
        IdentifyController.VWC.set(
                page,
                IdentifyController.VWC_FLUSH_ALL_NOT_SUPPORTED
                        | (subsystem.hasVolatileCache() ? IdentifyController.VWC_PRESENT : 0));
        // One block; see NamespaceSession for what that means between reactors. Power fail: a file system may tear a
        // block that is not the unit of its device, so no more than the least there is to say.
        IdentifyController.AWUN.set(page, 0);
        IdentifyController.AWUPF.set(page, 0);
        // A fused pair of any length keeps every other session off: in blocks of 4096, which is the fewest.
        IdentifyController.ACWU.set(page, Math.min(setup.maxTransferPages(), 0x10000) - 1);
        IdentifyController.CDFS.set(page, CDFS_FORMAT_0);
        IdentifyController.SGLS.set(page, setup.sgls());
    }

    static void namespace(MemorySegment page, SubsystemNamespace namespace) {
        var shape = namespace.shape();
        formats(page);
        IdentifyNamespace.RESCAP.set(page, reservationCapabilities(namespace));
        IdentifyNamespace.NSZE.set(page, shape.blockCount());
        var zones = namespace.zones();
        long capacity = zones == null
                ? shape.blockCount()
                : zones.layout().capacity() * zones.layout().zoneCount();
        IdentifyNamespace.NCAP.set(page, capacity);
        IdentifyNamespace.NUSE.set(page, capacity);
        var format = shape.format();
        IdentifyNamespace.FLBAS.set(page, formatIndex(format) | (format.extended() ? FLBAS_EXTENDED : 0));
        IdentifyNamespace.DPS.set(page, format.protection() | (format.protectionFirst() ? DPS_FIRST : 0));
        if (zones == null) {
            IdentifyNamespace.MSSRL.set(page, CheckedSession.MAX_RANGE_BLOCKS);
            IdentifyNamespace.MCL.set(page, CheckedSession.MAX_COPY_BLOCKS);
            IdentifyNamespace.MSRC.set(page, CheckedSession.MAX_RANGES_ZERO_BASED);
        }
        IdentifyNamespace.NVMCAP.set(page, shape.byteSize());
        if (shape.keepsData()) {
            IdentifyNamespace.DLFEAT.set(
                    page, IdentifyNamespace.DLFEAT_READS_ZEROES | IdentifyNamespace.DLFEAT_WRITE_ZEROES_DEALLOCATES);
        }
        if (shape.fusedBlocks() != 0) {
            IdentifyNamespace.NSFEAT.set(page, IdentifyNamespace.NSFEAT_ATOMICS);
            IdentifyNamespace.NACWU.set(page, shape.fusedBlocks() - 1);
        }
        if (shape.deallocates()) {
            // Space comes back by the page, so deallocating less gives nothing back.
            int pageBlocksZeroBased = PAGE_BYTES / shape.blockBytes() - 1;
            IdentifyNamespace.NSFEAT.set(
                    page, IdentifyNamespace.NSFEAT.get(page) | IdentifyNamespace.NSFEAT_OPTIMAL_PERFORMANCE);
            IdentifyNamespace.NPWG.set(page, pageBlocksZeroBased);
            IdentifyNamespace.NPWA.set(page, pageBlocksZeroBased);
            IdentifyNamespace.NPDG.set(page, pageBlocksZeroBased);
            IdentifyNamespace.NPDA.set(page, pageBlocksZeroBased);
        }
    }

    /** What all namespaces have in common: NSID FFFFFFFFh. */
    static void formats(MemorySegment page) {
        IdentifyNamespace.NLBAF.set(page, FORMATS.length - 1);
        for (int i = 0; i < FORMATS.length; i++) {
            IdentifyNamespace.lbaf(
                    page,
                    i,
                    LbaFormat.of(
                            FORMATS[i].metadataBytes(), Integer.numberOfTrailingZeros(FORMATS[i].blockBytes()), 0));
        }
        IdentifyNamespace.MC.set(page, MC_BOTH);
        IdentifyNamespace.DPC.set(page, DPC_ALL);
        IdentifyNamespace.NMIC.set(page, IdentifyNamespace.NMIC_SHARED);
    }

    /** The format that a Format NVM asks for, or null when there is none such. */
    static BlockFormat format(FormatSettings settings) {
        if (settings.formatIndex() >= FORMATS.length) {
            return null;
        }
        int flbas = settings.formatIndex() | (settings.metadataInData() ? FLBAS_EXTENDED : 0);
        return format(flbas, settings.protection() | (settings.protectionFirst() ? DPS_FIRST : 0));
    }

    /** The format that FLBAS and DPS spell, or null when there is none such. */
    static BlockFormat format(int flbas, int dps) {
        int index = flbas & 0xF;
        boolean known = index < FORMATS.length && (flbas & ~(0xF | FLBAS_EXTENDED)) == 0;
        if (!known || (dps & ~(7 | DPS_FIRST)) != 0) {
            return null;
        }
        try {
            return new BlockFormat(
                    FORMATS[index].blockBytes(),
                    FORMATS[index].metadataBytes(),
                    (flbas & FLBAS_EXTENDED) != 0,
                    dps & 7,
                    (dps & DPS_FIRST) != 0);
        } catch (IllegalArgumentException impossible) {
            return null;
        }
    }

    static int formatIndex(BlockFormat format) {
        for (int i = 0; i < FORMATS.length; i++) {
            if (FORMATS[i].blockBytes() == format.blockBytes()
                    && FORMATS[i].metadataBytes() == format.metadataBytes()) {
                return i;
            }
        }
        throw new IllegalArgumentException("no format has blocks of " + format);
    }

    private static int reservationCapabilities(SubsystemNamespace namespace) {
        return Reservation.RESCAP_ALL_TYPES
                | Reservation.RESCAP_IGNORE_EXISTING_KEY_1_3
                | (namespace.reservations().canPersist() ? Reservation.RESCAP_PERSISTENCE : 0);
    }

    static void independentNamespace(MemorySegment page, SubsystemNamespace namespace, boolean tellsGroup) {
        IdentifyIndependentNamespace.ANAGRPID.set(page, tellsGroup ? namespace.group() : 0);
        IdentifyIndependentNamespace.RESCAP.set(page, reservationCapabilities(namespace));
        IdentifyIndependentNamespace.NMIC.set(page, IdentifyNamespace.NMIC_SHARED);
        IdentifyIndependentNamespace.NSTAT.set(page, IdentifyIndependentNamespace.NSTAT_READY);
    }

    static void identifiers(MemorySegment page, SubsystemNamespace namespace) {
        NamespaceIdentifiers.NONE
                .withUuid(namespace.shape().uuid())
                .withCsi(namespace.csi())
                .writeTo(page, 0);
    }
}
