package io.doorbell.nvme;

import static io.doorbell.nvme.Field.ascii;
import static io.doorbell.nvme.Field.u128;
import static io.doorbell.nvme.Field.u16;
import static io.doorbell.nvme.Field.u32;
import static io.doorbell.nvme.Field.u64;
import static io.doorbell.nvme.Field.u8;
import static io.doorbell.nvme.Field.utf8;

import io.doorbell.nvme.Field.Ascii;
import io.doorbell.nvme.Field.BigEndian128;
import io.doorbell.nvme.Field.U128;
import io.doorbell.nvme.Field.U16;
import io.doorbell.nvme.Field.U32;
import io.doorbell.nvme.Field.U64;
import io.doorbell.nvme.Field.U8;
import io.doorbell.nvme.Field.Utf8;

/**
 * Identify Controller data structure, 4,096 bytes. NVMe Base 2.1 §5.1.13.2.1 "Identify Controller Data Structure (CNS
 * 01h)"; bytes 520 and following are shared with the NVM Command Set.
 *
 * <p>In the order of the specification. What is not here (power state descriptors beyond the first, reserved and vendor
 * bytes) is left zero by a controller and unread by a host.
 */
public final class IdentifyController {
    public static final int SIZE_BYTES = 4096;

    // Controller capabilities and features, bytes 0 to 255.

    public static final U16 VID = u16(0); // PCI vendor
    public static final U16 SSVID = u16(2); // PCI subsystem vendor
    public static final Ascii SN = ascii(4, 20); // serial number
    public static final Ascii MN = ascii(24, 40); // model number
    public static final Ascii FR = ascii(64, 8); // firmware revision
    public static final U8 RAB = u8(72); // recommended arbitration burst, as a power of two
    public static final U8 IEEE_0 = u8(73); // IEEE OUI of the vendor, least significant byte
    public static final U8 IEEE_1 = u8(74);
    public static final U8 IEEE_2 = u8(75);
    public static final U8 CMIC = u8(76); // multi-path I/O and namespace sharing
    public static final U8 MDTS = u8(77); // maximum data transfer: 2^mdts pages of CAP.MPSMIN; 0 for no limit
    public static final U16 CNTLID = u16(78); // controller identifier
    public static final U32 VER = u32(80); // version, see Version
    public static final U32 RTD3R = u32(84); // RTD3 resume latency, microseconds
    public static final U32 RTD3E = u32(88); // RTD3 entry latency, microseconds: how long a shutdown may take
    public static final U32 OAES = u32(92); // optional asynchronous events, bits of AsyncEvent.CONFIG_…
    public static final U32 CTRATT = u32(96); // controller attributes
    public static final U16 RRLS = u16(100); // read recovery levels supported
    public static final U8 CNTRLTYPE = u8(111); // controller type
    public static final BigEndian128 FGUID = Field.bigEndian128(112); // FRU globally unique identifier
    public static final U16 CRDT1 = u16(128); // command retry delay times, in 100 ms
    public static final U16 CRDT2 = u16(130);
    public static final U16 CRDT3 = u16(132);
    public static final U8 NVMSR = u8(253); // NVM subsystem report
    public static final U8 VWCI = u8(254); // VPD write cycle information
    public static final U8 MEC = u8(255); // management endpoint capabilities

    // Admin command set attributes, bytes 256 to 511.

    public static final U16 OACS = u16(256); // optional admin commands
    public static final U8 ACL = u8(258); // abort command limit, 0's based
    public static final U8 AERL = u8(259); // asynchronous event request limit, 0's based
    public static final U8 FRMW = u8(260); // firmware updates: slot 1 read only 0, slots 3:1, no reset needed 4
    public static final U8 LPA = u8(261); // log page attributes
    public static final U8 ELPE = u8(262); // error log page entries, 0's based
    public static final U8 NPSS = u8(263); // power states, 0's based
    public static final U8 AVSCC = u8(264); // admin vendor specific commands have the standard format
    public static final U8 APSTA = u8(265); // autonomous power state transitions
    public static final U16 WCTEMP = u16(266); // warning composite temperature, kelvin
    public static final U16 CCTEMP = u16(268); // critical composite temperature, kelvin
    public static final U16 MTFA = u16(270); // maximum time for firmware activation, in 100 ms
    public static final U32 HMPRE = u32(272); // host memory buffer preferred, in 4 KiB
    public static final U32 HMMIN = u32(276); // host memory buffer minimum, in 4 KiB
    public static final U128 TNVMCAP = u128(280); // total capacity, bytes
    public static final U128 UNVMCAP = u128(296); // unallocated capacity, bytes
    public static final U32 RPMBS = u32(312); // replay protected memory blocks
    public static final U16 EDSTT = u16(316); // extended device self-test time, minutes
    public static final U8 DSTO = u8(318); // device self-test options
    public static final U8 FWUG = u8(319); // firmware update granularity, in 4 KiB
    public static final U16 KAS = u16(320); // keep alive granularity, in 100 ms; 0 for no keep alive
    public static final U16 HCTMA = u16(322); // host controlled thermal management
    public static final U16 MNTMT = u16(324); // its minimum temperature, kelvin
    public static final U16 MXTMT = u16(326); // its maximum temperature, kelvin
    public static final U32 SANICAP = u32(328); // sanitize capabilities
    public static final U32 HMMINDS = u32(332); // host memory buffer minimum descriptor entry, in 4 KiB
    public static final U16 HMMAXD = u16(336); // host memory buffer maximum descriptors
    public static final U16 NSETIDMAX = u16(338); // highest NVM set identifier
    public static final U16 ENDGIDMAX = u16(340); // highest endurance group identifier
    public static final U8 ANATT = u8(342); // ANA transition time, seconds
    public static final U8 ANACAP = u8(343); // ANA capabilities
    public static final U32 ANAGRPMAX = u32(344); // highest ANA group identifier
    public static final U32 NANAGRPID = u32(348); // number of ANA group identifiers
    public static final U32 PELS = u32(352); // persistent event log size, in 64 KiB
    public static final U16 DOMAINID = u16(356); // domain of this controller
    public static final U128 MEGCAP = u128(368); // maximum endurance group capacity

    // I/O command set attributes, bytes 512 to 703.

    public static final U8 SQES = u8(512); // submission entry size as a power of two: required 3:0, maximum 7:4
    public static final U8 CQES = u8(513); // completion entry size, likewise
    public static final U16 MAXCMD = u16(514); // maximum outstanding commands of a queue; 0 for not said
    public static final U32 NN = u32(516); // highest namespace identifier
    public static final U16 ONCS = u16(520); // optional NVM commands
    public static final U16 FUSES = u16(522); // fused operations: compare and write 0
    public static final U8 FNA = u8(524); // format NVM attributes
    public static final U8 VWC = u8(525); // volatile write cache: present 0, flush of all namespaces 2:1
    public static final U16 AWUN = u16(526); // atomic write unit normal, blocks, 0's based
    public static final U16 AWUPF = u16(528); // atomic write unit power fail, blocks, 0's based
    public static final U8 ICSVSCC = u8(530); // vendor specific I/O commands have the standard format
    public static final U8 NWPC = u8(531); // namespace write protection
    public static final U16 ACWU = u16(532); // atomic compare and write unit, blocks, 0's based
    public static final U16 CDFS = u16(534); // copy descriptor formats
    public static final U32 SGLS = u32(536); // SGL support
    public static final U32 MNAN = u32(540); // maximum number of allowed namespaces; 0 for as NN says
    public static final U128 MAXDNA = u128(544); // maximum domain namespace attachments
    public static final U32 MAXCNA = u32(560); // maximum I/O controller namespace attachments

    public static final Utf8 SUBNQN = utf8(768, 256); // qualified name of the subsystem

    // Fabrics, bytes 1792 to 2047; zero on PCI.

    public static final U32 IOCCSZ = u32(1792); // I/O command capsule, in 16 bytes
    public static final U32 IORCSZ = u32(1796); // I/O response capsule, in 16 bytes
    public static final U16 ICDOFF = u16(1800); // in-capsule data offset, in 16 bytes
    public static final U8 FCATT = u8(1802); // fabrics controller attributes: dynamic controllers when bit 0 is clear
    public static final U8 MSDBD = u8(1803); // maximum SGL data block descriptors in a capsule; 0 for no limit
    public static final U16 OFCS = u16(1804); // optional fabrics commands: Disconnect 0

    // Power state 0, bytes 2048 to 2079: a controller has at least this one.

    public static final U16 PSD0_MP = u16(2048); // maximum power, in 0.01 W
    public static final U32 PSD0_ENLAT = u32(2052); // entry latency, microseconds
    public static final U32 PSD0_EXLAT = u32(2056); // exit latency, microseconds
    public static final U64 PSD0_RELATIVE = u64(2060); // relative throughput and latency, a byte each; rest zero

    /** CMIC: the subsystem may have more than one port; more than one controller; reports ANA. */
    public static final int CMIC_MULTIPLE_PORTS = 1;

    public static final int CMIC_MULTIPLE_CONTROLLERS = 1 << 1;
    public static final int CMIC_ANA_REPORTING = 1 << 3;

    /** CTRATT: host identifiers of 128 bits; traffic counts as keep alive; larger formats of protection information; MDTS leaves metadata out. */
    public static final int CTRATT_HOST_IDENTIFIER_128 = 1;

    public static final int CTRATT_TRAFFIC_BASED_KEEP_ALIVE = 1 << 6;
    public static final int CTRATT_EXTENDED_LBA_FORMATS = 1 << 15;
    public static final int CTRATT_MDTS_WITHOUT_METADATA = 1 << 16;

    /** CNTRLTYPE. */
    public static final int CNTRLTYPE_IO = 1;

    public static final int CNTRLTYPE_DISCOVERY = 2;
    public static final int CNTRLTYPE_ADMINISTRATIVE = 3;

    /** OACS: which optional admin commands there are. */
    public static final int OACS_SECURITY = 1;

    public static final int OACS_FORMAT_NVM = 1 << 1;
    public static final int OACS_FIRMWARE = 1 << 2;
    public static final int OACS_NAMESPACE_MANAGEMENT = 1 << 3;
    public static final int OACS_DEVICE_SELF_TEST = 1 << 4;
    public static final int OACS_DIRECTIVES = 1 << 5;
    public static final int OACS_NVME_MI = 1 << 6;
    public static final int OACS_VIRTUALIZATION_MANAGEMENT = 1 << 7;
    public static final int OACS_DOORBELL_BUFFER_CONFIG = 1 << 8;
    public static final int OACS_GET_LBA_STATUS = 1 << 9;

    /** FRMW: slot 1 cannot be written; activation without a reset; overlapping pieces of an image are noticed. */
    public static final int FRMW_SLOT_1_READ_ONLY = 1;

    public static final int FRMW_ACTIVATION_WITHOUT_RESET = 1 << 4;
    public static final int FRMW_MULTIPLE_UPDATE_DETECTION = 1 << 5;

    /** FNA: a format, an erase, is of all namespaces; cryptographic erase; FFFFFFFFh is no namespace to format. */
    public static final int FNA_FORMATS_ALL = 1;

    public static final int FNA_ERASES_ALL = 1 << 1;
    public static final int FNA_CRYPTOGRAPHIC_ERASE = 1 << 2;
    public static final int FNA_NO_BROADCAST = 1 << 3;

    /** SANICAP: what Sanitize can do; No-Deallocate After Sanitize is refused; NODMMAS 31:30, media changes after one. */
    public static final int SANICAP_CRYPTO_ERASE = 1;

    public static final int SANICAP_BLOCK_ERASE = 1 << 1;
    public static final int SANICAP_OVERWRITE = 1 << 2;
    public static final int SANICAP_NO_DEALLOCATE_INHIBITED = 1 << 29;
    public static final int SANICAP_NOT_MODIFIED_AFTER = 1 << 30;
    public static final int SANICAP_MODIFIED_AFTER = 2 << 30;

    /** DSTO: one self-test at a time in the subsystem, and not one for each controller. */
    public static final int DSTO_ONE_AT_A_TIME = 1;

    /** LPA: SMART per namespace; commands supported and effects; extended data (offsets in Get Log Page). */
    public static final int LPA_SMART_PER_NAMESPACE = 1;

    public static final int LPA_COMMANDS_SUPPORTED_AND_EFFECTS = 1 << 1;
    public static final int LPA_EXTENDED_DATA = 1 << 2;
    public static final int LPA_TELEMETRY = 1 << 3;
    public static final int LPA_PERSISTENT_EVENT = 1 << 4;
    /** Supported Log Pages, and the effects logs of commands, of features and of NVMe-MI commands. */
    public static final int LPA_SUPPORTED_LOG_PAGES = 1 << 5;

    /** ONCS: which optional NVM commands there are. */
    public static final int ONCS_COMPARE = 1;

    public static final int ONCS_WRITE_UNCORRECTABLE = 1 << 1;
    public static final int ONCS_DATASET_MANAGEMENT = 1 << 2;
    public static final int ONCS_WRITE_ZEROES = 1 << 3;
    public static final int ONCS_SAVE_AND_SELECT = 1 << 4;
    public static final int ONCS_RESERVATIONS = 1 << 5;
    public static final int ONCS_TIMESTAMP = 1 << 6;
    public static final int ONCS_VERIFY = 1 << 7;
    public static final int ONCS_COPY = 1 << 8;

    public static final int FUSES_COMPARE_AND_WRITE = 1;

    /** VWC: there is a volatile write cache, so Flush has work to do; Flush to all namespaces is not, is supported. */
    public static final int VWC_PRESENT = 1;

    public static final int VWC_FLUSH_ALL_NOT_SUPPORTED = 2 << 1;
    public static final int VWC_FLUSH_ALL_SUPPORTED = 3 << 1;

    /** SGLS bits 1:0: none; any alignment; dword alignment and granularity. Then what else there is. */
    public static final int SGLS_SUPPORTED_BYTE_ALIGNED = 1;

    public static final int SGLS_SUPPORTED_DWORD_ALIGNED = 2;
    public static final int SGLS_SUPPORTED_MASK = 3;
    public static final int SGLS_KEYED = 1 << 2;
    public static final int SGLS_BIT_BUCKET = 1 << 16;
    public static final int SGLS_METADATA_POINTER_CONTIGUOUS = 1 << 17;
    public static final int SGLS_OVERSIZED = 1 << 18;
    public static final int SGLS_METADATA_SGL = 1 << 19;
    public static final int SGLS_OFFSET = 1 << 20;
    public static final int SGLS_TRANSPORT = 1 << 21;

    private IdentifyController() {}
}
