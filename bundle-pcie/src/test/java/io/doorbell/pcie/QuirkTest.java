package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.DmaVector;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciIdentity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class QuirkTest {
    private static PciIdentity identity(int vendorId, int deviceId) {
        return new PciIdentity(vendorId, deviceId, 0, 0, 0, PciIdentity.NVME_CLASS_CODE);
    }

    @Test
    void areKnownByVendorAndMostlyDevice() {
        assertThat(Quirk.of(identity(0x8086, 0x0A54))).containsExactlyInAnyOrder(Quirk.STRIPES, Quirk.NEEDS_TIME_FIRST);
        assertThat(Quirk.of(identity(0x8086, 0x0A56))).isEmpty();
        assertThat(Quirk.of(identity(0x144D, 0xA822))).containsExactly(Quirk.READY_TOO_SOON);
        assertThat(Quirk.of(identity(0x19E5, 0x1234))).containsExactly(Quirk.NO_SGLS);
        assertThat(Quirk.of(identity(0, 0))).isEmpty();
    }

    @Test
    void makeAdminQueuesFillPages() {
        var aqa = new CopyOnWriteArrayList<Integer>();
        try (var rig = new EmulatedRig()) {
            var function = new WrappedFunction(rig.function);
            function.identity = identity(0x1414, 0xB111);
            function.writes = (offset, value) -> {
                if (offset == Registers.AQA) {
                    aqa.add(Registers.aqaSubmissionEntries(value));
                }
            };
            PcieController.open(function, options(40)).close();
            function.identity = null;
            PcieController.open(function, options(40)).close();
        }
        assertThat(aqa).containsExactly(64, 40);
    }

    private static PcieOptions options(int adminQueueEntries) {
        var defaults = PcieOptions.DEFAULTS;
        return new PcieOptions(
                defaults.adminTimeout(),
                defaults.ioTimeout(),
                defaults.readyTimeout(),
                adminQueueEntries,
                defaults.shadowDoorbells(),
                defaults.maxTransferBytes(),
                defaults.maxQueuePairs(),
                defaults.maxDmaBytes(),
                defaults.keepAlive(),
                defaults.hostId(),
                defaults.adminInterrupts(),
                defaults.sglFromBytes(),
                defaults.retries());
    }

    @Test
    void takeSglsAway() {
        try (var rig = new EmulatedRig()) {
            var function = new WrappedFunction(rig.function);
            assertThat(takesPieces(function)).isTrue();
            function.identity = identity(0x19E5, 1);
            assertThat(takesPieces(function)).isFalse();
        }
    }

    private static boolean takesPieces(WrappedFunction function) {
        List<Integer> ended = new ArrayList<>();
        try (var controller = PcieController.open(function, PcieOptions.DEFAULTS);
                var held = new EmulatedRig.Held(controller, 8, 1 << 16, (token, status, result) -> ended.add(status))) {
            var pieces = new DmaVector(2).add(held.data, 0, 256).add(held.data, 8192, 256);
            held.pair.transfer(
                    NvmOpcode.WRITE,
                    new BlockTransfer().of(EmulatedRig.NSID, 0, 1).data(pieces),
                    1);
            held.pair.commit();
            held.pollUntil(() -> !ended.isEmpty());
            return ended.getFirst() == 0;
        } catch (IllegalArgumentException refused) {
            return false;
        }
    }

    @Test
    void keepTheReadyBitFromBeingLookedAtTooSoon() {
        try (var rig = new EmulatedRig();
                var access = rig.function.open("test")) {
            var registers = new ControllerRegisters(access, "test", Duration.ofSeconds(5), Duration.ofMillis(80));
            access.writeRegister32(Registers.CC, 1);
            long start = System.nanoTime();

            try {
                registers.disable(Duration.ofSeconds(5));
            } catch (RuntimeException fatal) {
                // It was enabled without admin queues, which is not what this is about.
                assertThat(fatal).hasMessageContaining("RDY");
            }

            assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(80_000_000);
        }
    }
}
