package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class RegistersTest {
    @Test
    void standWhereTheSpecificationPutsThem() {
        assertThat(new int[] {
                    Registers.CAP,
                    Registers.VS,
                    Registers.INTMS,
                    Registers.INTMC,
                    Registers.CC,
                    Registers.CSTS,
                    Registers.NSSR,
                    Registers.AQA,
                    Registers.ASQ,
                    Registers.ACQ,
                    Registers.CMBLOC,
                    Registers.CMBSZ,
                    Registers.BPINFO,
                    Registers.BPRSEL,
                    Registers.BPMBL,
                    Registers.CMBMSC,
                    Registers.CMBSTS,
                    Registers.CMBEBS,
                    Registers.CMBSWTP,
                    Registers.NSSD,
                    Registers.CRTO,
                    Registers.PMRCAP,
                    Registers.DOORBELLS
                })
                .containsExactly(
                        0, 8, 0x0C, 0x10, 0x14, 0x1C, 0x20, 0x24, 0x28, 0x30, 0x38, 0x3C, 0x40, 0x44, 0x48, 0x50, 0x58,
                        0x5C, 0x60, 0x64, 0x68, 0xE00, 0x1000);
    }

    @Test
    void decodesTheCapabilitiesOfAController() {
        // 2,048 entries, contiguous, 7.5 s, NVM and I/O command sets or none, pages of 4 to 64 KiB.
        var cap = new ControllerCapabilities(0x0040_1820_0F01_07FFL);

        assertThat(cap.maxQueueEntries()).isEqualTo(2048);
        assertThat(cap.mqesZeroBased()).isEqualTo(2047);
        assertThat(cap.cqr()).isTrue();
        assertThat(cap.ams()).isZero();
        assertThat(cap.timeoutMillis()).isEqualTo(7500);
        assertThat(cap.dstrd()).isZero();
        assertThat(cap.nssrs()).isFalse();
        assertThat(cap.css())
                .isEqualTo(ControllerCapabilities.CSS_NVM
                        | ControllerCapabilities.CSS_IO_COMMAND_SETS
                        | ControllerCapabilities.CSS_ADMIN_ONLY);
        assertThat(cap.mpsmin()).isZero();
        assertThat(cap.mpsmax()).isEqualTo(4);
        assertThat(cap.minPageBytes()).isEqualTo(4096);
        assertThat(cap.maxPageBytes()).isEqualTo(65_536);
        assertThat(cap.cmbs()).isFalse();
    }

    @Test
    void capabilitiesBitsStandWhereTheSpecificationPutsThem() {
        assertThat(ControllerCapabilities.NONE.withMaxQueueEntries(65_536).raw())
                .isEqualTo(0xFFFFL);
        assertThat(ControllerCapabilities.NONE.withCqr(true).raw()).isEqualTo(1L << 16);
        assertThat(ControllerCapabilities.NONE.withAms(3).raw()).isEqualTo(3L << 17);
        assertThat(ControllerCapabilities.NONE.withTimeoutMillis(127_500).raw()).isEqualTo(0xFFL << 24);
        assertThat(ControllerCapabilities.NONE.withDstrd(15).raw()).isEqualTo(0xFL << 32);
        assertThat(ControllerCapabilities.NONE.withNssrs(true).raw()).isEqualTo(1L << 36);
        assertThat(ControllerCapabilities.NONE.withCss(0xFF).raw()).isEqualTo(0xFFL << 37);
        assertThat(ControllerCapabilities.NONE.withMpsmin(15).raw()).isEqualTo(0xFL << 48);
        assertThat(ControllerCapabilities.NONE.withMpsmax(15).raw()).isEqualTo(0xFL << 52);
        assertThat(ControllerCapabilities.NONE.withCrwms(true).raw()).isEqualTo(1L << 59);
        assertThat(ControllerCapabilities.NONE.withCrims(true).raw()).isEqualTo(1L << 60);
        assertThat(new ControllerCapabilities(1L << 45).bps()).isTrue();
        assertThat(new ControllerCapabilities(1L << 56).pmrs()).isTrue();
        assertThat(new ControllerCapabilities(1L << 57).cmbs()).isTrue();
        assertThat(new ControllerCapabilities(1L << 58).nsss()).isTrue();
        assertThat(new ControllerCapabilities(1L << 59).crwms()).isTrue();
        assertThat(new ControllerCapabilities(1L << 60).crims()).isTrue();
    }

    @Test
    void replacingOneFieldOfTheCapabilitiesLeavesTheOthers() {
        var random = Seed.random();
        for (int round = 0; round < 1000; round++) {
            var cap = new ControllerCapabilities(random.nextLong());
            int entries = random.nextInt(2, 65_537);
            int dstrd = random.nextInt(16);

            var changed = cap.withMaxQueueEntries(entries).withDstrd(dstrd);

            assertThat(changed.maxQueueEntries()).isEqualTo(entries);
            assertThat(changed.dstrd()).isEqualTo(dstrd);
            long others = ~(0xFFFFL | 0xFL << 32);
            assertThat(changed.raw() & others).isEqualTo(cap.raw() & others);
        }
    }

    @Test
    void roundsTheTimeoutUpToItsUnit() {
        assertThat(ControllerCapabilities.NONE.withTimeoutMillis(1).timeoutMillis())
                .isEqualTo(500);
        assertThat(ControllerCapabilities.NONE.withTimeoutMillis(501).timeoutMillis())
                .isEqualTo(1000);
    }

    @Test
    void refusesValuesThatDoNotFit() {
        assertThatThrownBy(() -> ControllerCapabilities.NONE.withDstrd(16))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ControllerCapabilities.NONE.withMaxQueueEntries(1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ControllerCapabilities.NONE.withMaxQueueEntries(65_537))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ControllerConfiguration.DISABLED.withIosqes(-1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Registers.aqa(1, 2)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Registers.aqa(2, 4097)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void packsTheConfigurationADriverWrites() {
        var cc = ControllerConfiguration.DISABLED
                .withCss(ControllerConfiguration.CSS_IO_COMMAND_SETS)
                .withIosqes(6)
                .withIocqes(4)
                .withEn(true);

        assertThat(cc.raw()).isEqualTo(0x0046_0061);
        assertThat(cc.en()).isTrue();
        assertThat(cc.css()).isEqualTo(6);
        assertThat(cc.pageBytes()).isEqualTo(4096);
        assertThat(cc.iosqes()).isEqualTo(6);
        assertThat(cc.iocqes()).isEqualTo(4);
        var all = ControllerConfiguration.DISABLED
                .withEn(true)
                .withCss(7)
                .withMps(15)
                .withAms(7)
                .withShn(3)
                .withIosqes(15)
                .withIocqes(15)
                .withCrime(true);
        assertThat(all.raw()).isEqualTo(0x01FF_FFF1);
        assertThat(cc.withShn(ControllerConfiguration.SHN_NORMAL).raw()).isEqualTo(0x0046_4061);
        assertThat(cc.withMps(1).pageBytes()).isEqualTo(8192);
        assertThat(cc.withAms(1).ams()).isEqualTo(1);
        assertThat(cc.withEn(false).en()).isFalse();
    }

    @Test
    void decodesTheStatusOfAController() {
        assertThat(ControllerStatus.NOT_READY.withRdy(true).raw()).isEqualTo(1);
        assertThat(ControllerStatus.NOT_READY.withCfs(true).raw()).isEqualTo(2);
        assertThat(ControllerStatus.NOT_READY
                        .withShst(ControllerStatus.SHST_COMPLETE)
                        .raw())
                .isEqualTo(8);
        assertThat(ControllerStatus.NOT_READY.withNssro(true).raw()).isEqualTo(16);
        assertThat(ControllerStatus.NOT_READY.withPp(true).raw()).isEqualTo(32);
        var status = new ControllerStatus(0b10_1011);
        assertThat(status.rdy()).isTrue();
        assertThat(status.cfs()).isTrue();
        assertThat(status.shst()).isEqualTo(2);
        assertThat(status.nssro()).isFalse();
        assertThat(status.pp()).isTrue();
        assertThat(status.isGone()).isFalse();
        assertThat(new ControllerStatus(-1).isGone()).isTrue();
        assertThat(new ControllerStatus(-1)).hasToString("CSTS[gone: all ones]");
    }

    @Test
    void packsAdminQueueAttributes() {
        int aqa = Registers.aqa(32, 4096);

        assertThat(aqa).isEqualTo(0x0FFF_001F);
        assertThat(Registers.aqaSubmissionEntries(aqa)).isEqualTo(32);
        assertThat(Registers.aqaCompletionEntries(aqa)).isEqualTo(4096);
    }

    @Test
    void ordersVersions() {
        assertThat(Version.NVME_2_1.raw()).isEqualTo(0x0002_0100);
        assertThat(Version.NVME_1_2_1.raw()).isEqualTo(0x0001_0201);
        assertThat(Version.NVME_1_4.isAtLeast(Version.NVME_1_2_1)).isTrue();
        assertThat(Version.NVME_1_2.isAtLeast(Version.NVME_1_2_1)).isFalse();
        assertThat(Version.NVME_2_1).hasToString("2.1");
        assertThat(Version.NVME_1_2_1).hasToString("1.2.1");
        assertThat(new Version(0xFFFF_0000).major()).isEqualTo(0xFFFF);
    }
}
