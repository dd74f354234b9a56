package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Status;
import io.doorbell.pci.PciException;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class RegistersTest extends DeviceTest {
    @Test
    void isAnNvmeFunctionAtItsName() {
        assertThat(function.identity().isNvme()).isTrue();
        assertThat(function.address()).isEqualTo("nvme0");
        assertThat(function.transport()).isEqualTo("EMULATED");
    }

    @Test
    void tellsCapabilitiesInOneReadOrTwo() {
        var cap = new ControllerCapabilities(host.access.readRegister64(Registers.CAP));

        assertThat(cap.maxQueueEntries()).isEqualTo(256);
        assertThat(cap.dstrd()).isEqualTo(4);
        assertThat(cap.cqr()).isTrue();
        assertThat(Integer.toUnsignedLong(host.access.readRegister32(Registers.CAP))
                        | (long) host.access.readRegister32(Registers.CAP + 4) << 32)
                .isEqualTo(cap.raw());
    }

    @Test
    void keepsQueueAddressesWrittenInHalves() {
        host.access.writeRegister32(Registers.ASQ, 0x89AB_C000);
        host.access.writeRegister32(Registers.ASQ + 4, 0x0123_4567);
        host.access.writeRegister64(Registers.ACQ, 0x7654_3210_FEDC_B000L);

        assertThat(host.access.readRegister64(Registers.ASQ)).isEqualTo(0x0123_4567_89AB_C000L);
        assertThat(host.access.readRegister32(Registers.ACQ + 4)).isEqualTo(0x7654_3210);
    }

    @Test
    void refusesAccessesThatNoRegisterHas() {
        var access = host.access;

        assertThatThrownBy(() -> access.readRegister32(2)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> access.readRegister64(4)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> access.readRegister32(-4)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> access.writeRegister32(1 << 20, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void becomesReadyAndAnswersIdentify() {
        host.enable();
        var page = host.pages(1);

        var completion = host.admin(AdminOpcode.IDENTIFY, 0, page.address(), 7, 0);

        assertThat(completion.status()).isEqualTo(Status.SUCCESS);
        assertThat(page.get(ValueLayout.JAVA_BYTE, 4095)).isEqualTo((byte) 7);
    }

    @Test
    void failsFatallyWithAdminQueuesThatAreNotMappedAndRecoversByReset() {
        host.access.writeRegister32(Registers.AQA, Registers.aqa(16, 16));
        host.access.writeRegister64(Registers.ASQ, 0x1000);
        host.access.writeRegister64(Registers.ACQ, 0x2000);
        host.access.writeRegister32(
                Registers.CC, ControllerConfiguration.DISABLED.withEn(true).raw());

        assertThat(host.csts().cfs()).isTrue();
        assertThat(host.csts().rdy()).isFalse();

        host.disable();
        assertThat(host.csts()).isEqualTo(ControllerStatus.NOT_READY);
        host.enable();
        assertThat(host.csts().rdy()).isTrue();
    }

    @Test
    void forgetsQueuesAndDoorbellsAtReset() {
        host.enable();
        host.createQueue(1, 16).ring();
        host.disable();

        assertThat(Doorbell.load(host.access.doorbells(), Doorbell.shadowSubmissionTailOffset(0, host.dstrd)))
                .isZero();
        host.enable();
        assertThat(host.deleteSubmissionQueue(1) & 0x7FF).isEqualTo(Status.INVALID_QUEUE_IDENTIFIER);
    }

    @Test
    void finishesAShutdown() {
        host.enable();

        host.access.writeRegister32(
                Registers.CC,
                new ControllerConfiguration(host.access.readRegister32(Registers.CC))
                        .withShn(ControllerConfiguration.SHN_NORMAL)
                        .raw());

        long start = System.nanoTime();
        while (host.csts().shst() != ControllerStatus.SHST_COMPLETE) {
            RawHost.patience(start, "the end of the shutdown");
        }
    }

    @Test
    void isClaimedByOneDriverAtATime() {
        assertThatThrownBy(() -> function.open("second"))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("raw host");

        host.access.close();

        function.open("second").close();
    }

    @Test
    void resetsWhenTheClaimEndsAndStartsAfreshForTheNext() {
        host.enable();
        host.createQueue(1, 16);
        var doorbells = host.access.doorbells();

        host.close();

        assertThatThrownBy(() -> Doorbell.store(doorbells, 0, 1)).isInstanceOf(IllegalStateException.class);
        host = new RawHost(function, 4 << 20);
        assertThat(host.csts()).isEqualTo(ControllerStatus.NOT_READY);
        assertThat(host.access.readRegister64(Registers.ASQ)).isZero();
        host.enable();
        host.createQueue(1, 16);
    }

    @Test
    void readsAllOnesOnceRemovedAndTellsTheDriver() {
        host.enable();
        var queue = host.createQueue(1, 16);
        var told = new AtomicReference<String>();
        host.access.onRemoval(told::set);

        function.remove("pulled out");

        assertThat(told).hasValue("pulled out");
        assertThat(host.access.removed()).isTrue();
        assertThat(host.csts().isGone()).isTrue();
        assertThat(host.access.readRegister64(Registers.CAP)).isEqualTo(-1L);
        queue.stageIo(2, 0, 8, host.pages(1).address(), 0);
        queue.ring();
        host.access.writeRegister32(Registers.CC, 0);
        host.access.close();
        assertThatThrownBy(() -> function.open("late"))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("pulled out");
    }

    @Test
    void tellsADriverThatAsksLate() {
        function.remove("pulled out");
        var told = new AtomicReference<String>();

        host.access.onRemoval(told::set);

        assertThat(told).hasValue("pulled out");
    }
}
