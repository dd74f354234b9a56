package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Each field against a table typed from the specification: first byte, last byte, name. Where SPDK's header has a
 * field, its {@code offsetof} agrees.
 */
class FieldTableTest {
    private static final String CONTROLLER = """
            0 1 vid, 2 3 ssvid, 4 23 sn, 24 63 mn, 64 71 fr, 72 72 rab, 73 73 ieee_0, 74 74 ieee_1, 75 75 ieee_2,
            76 76 cmic, 77 77 mdts, 78 79 cntlid, 80 83 ver, 84 87 rtd3r, 88 91 rtd3e, 92 95 oaes, 96 99 ctratt,
            100 101 rrls, 111 111 cntrltype, 112 127 fguid, 128 129 crdt1, 130 131 crdt2, 132 133 crdt3, 253 253 nvmsr,
            254 254 vwci, 255 255 mec, 256 257 oacs, 258 258 acl, 259 259 aerl, 260 260 frmw, 261 261 lpa, 262 262 elpe,
            263 263 npss, 264 264 avscc, 265 265 apsta, 266 267 wctemp, 268 269 cctemp, 270 271 mtfa, 272 275 hmpre,
            276 279 hmmin, 280 295 tnvmcap, 296 311 unvmcap, 312 315 rpmbs, 316 317 edstt, 318 318 dsto, 319 319 fwug,
            320 321 kas, 322 323 hctma, 324 325 mntmt, 326 327 mxtmt, 328 331 sanicap, 332 335 hmminds, 336 337 hmmaxd,
            338 339 nsetidmax, 340 341 endgidmax, 342 342 anatt, 343 343 anacap, 344 347 anagrpmax, 348 351 nanagrpid,
            352 355 pels, 356 357 domainid, 368 383 megcap, 512 512 sqes, 513 513 cqes, 514 515 maxcmd, 516 519 nn,
            520 521 oncs, 522 523 fuses, 524 524 fna, 525 525 vwc, 526 527 awun, 528 529 awupf, 530 530 icsvscc,
            531 531 nwpc, 532 533 acwu, 534 535 cdfs, 536 539 sgls, 540 543 mnan, 544 559 maxdna, 560 563 maxcna,
            768 1023 subnqn, 1792 1795 ioccsz, 1796 1799 iorcsz, 1800 1801 icdoff, 1802 1802 fcatt, 1803 1803 msdbd,
            1804 1805 ofcs, 2048 2049 psd0_mp, 2052 2055 psd0_enlat, 2056 2059 psd0_exlat, 2060 2067 psd0_relative""";

    private static final String NAMESPACE = """
            0 7 nsze, 8 15 ncap, 16 23 nuse, 24 24 nsfeat, 25 25 nlbaf, 26 26 flbas, 27 27 mc, 28 28 dpc, 29 29 dps,
            30 30 nmic, 31 31 rescap, 32 32 fpi, 33 33 dlfeat, 34 35 nawun, 36 37 nawupf, 38 39 nacwu, 40 41 nabsn,
            42 43 nabo, 44 45 nabspf, 46 47 noiob, 48 63 nvmcap, 64 65 npwg, 66 67 npwa, 68 69 npdg, 70 71 npda,
            72 73 nows, 74 75 mssrl, 76 79 mcl, 80 80 msrc, 92 95 anagrpid, 99 99 nsattr, 100 101 nvmsetid,
            102 103 endgid, 104 119 nguid, 120 127 eui64""";

    private static final String SMART = """
            0 0 critical_warning, 1 2 composite_temperature, 3 3 available_spare, 4 4 available_spare_threshold,
            5 5 percentage_used, 6 6 endurance_group_warning, 32 47 data_units_read, 48 63 data_units_written,
            64 79 host_read_commands, 80 95 host_write_commands, 96 111 controller_busy_time, 112 127 power_cycles,
            128 143 power_on_hours, 144 159 unsafe_shutdowns, 160 175 media_errors, 176 191 error_log_entries,
            192 195 warning_temperature_time, 196 199 critical_temperature_time, 200 201 temperature_sensor_1""";

    private static final String ERROR = """
            0 7 error_count, 8 9 sqid, 10 11 cid, 12 13 status, 14 15 parameter_error_location, 16 23 lba, 24 27 nsid,
            28 28 vendor_log_page, 29 29 trtype, 30 30 csi, 31 31 opc, 32 39 command_specific,
            40 41 transport_specific, 63 63 version""";

    private static final String SANITIZE = """
            0 1 sprog, 2 3 sstat, 4 7 scdw10, 8 11 eto, 12 15 etbe, 16 19 etce, 20 23 etond, 24 27 etbend,
            28 31 etcend""";

    @Test
    void sanitizeStatusLogMatchesTheSpecification() throws Exception {
        check(SanitizeStatusLog.class, SANITIZE, 512);
        assertThat(SanitizeStatusLog.SIZE_BYTES).isEqualTo(512);
    }

    @Test
    void identifyControllerMatchesTheSpecification() throws Exception {
        check(IdentifyController.class, CONTROLLER, 4096);
        assertThat(IdentifyController.SIZE_BYTES).isEqualTo(4096);
    }

    @Test
    void identifyNamespaceMatchesTheSpecification() throws Exception {
        check(IdentifyNamespace.class, NAMESPACE, 4096);
        assertThat(IdentifyNamespace.SIZE_BYTES).isEqualTo(4096);
        assertThat(IdentifyNamespace.LBAF0_OFFSET_BYTES).isEqualTo(128);
    }

    @Test
    void smartLogMatchesTheSpecification() throws Exception {
        check(SmartLog.class, SMART, 512);
        assertThat(SmartLog.SIZE_BYTES).isEqualTo(512);
    }

    @Test
    void errorLogEntryMatchesTheSpecification() throws Exception {
        check(ErrorLogEntry.class, ERROR, 64);
        assertThat(ErrorLogEntry.SIZE_BYTES).isEqualTo(64);
    }

    private static void check(Class<?> structure, String table, int sizeBytes) throws Exception {
        var expected = new LinkedHashMap<String, String>();
        for (var row : table.split(",\\s*")) {
            var columns = row.strip().split(" ");
            expected.put(columns[2], columns[0] + " to " + columns[1]);
        }

        var fields = fields(structure);
        var actual = new LinkedHashMap<String, String>();
        fields.forEach((name, field) ->
                actual.put(name, field.offset() + " to " + (field.offset() + field.lengthBytes() - 1)));

        assertThat(actual).isEqualTo(expected);
        checkNoOverlap(fields, sizeBytes);
    }

    private static void checkNoOverlap(Map<String, Field> fields, int sizeBytes) {
        var sorted = new ArrayList<>(fields.values());
        sorted.sort(Comparator.comparingInt(Field::offset));
        int end = 0;
        for (var field : sorted) {
            assertThat(field.offset()).as(field.toString()).isGreaterThanOrEqualTo(end);
            end = field.offset() + field.lengthBytes();
        }
        assertThat(end).isLessThanOrEqualTo(sizeBytes);
    }

    private static Map<String, Field> fields(Class<?> structure) throws IllegalAccessException {
        var fields = new LinkedHashMap<String, Field>();
        for (var constant : structure.getFields()) {
            if (Field.class.isAssignableFrom(constant.getType())) {
                fields.put(constant.getName().toLowerCase(Locale.ROOT), (Field) constant.get(null));
            }
        }
        return fields;
    }
}
