package io.doorbell.emulator.vfiouser;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.platform.EventFd;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.vfiouser.Command;
import io.doorbell.vfiouser.IrqInfo;
import io.doorbell.vfiouser.IrqSet;
import io.doorbell.vfiouser.ProtocolException;
import io.doorbell.vfiouser.RegionInfo;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A function in another process: MSI-X with eventfds, masks and pending bits, and whether it may reach memory. */
@Timeout(300)
class InterruptsTest {
    private static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final int MESSAGE_CONTROL = 0x42;
    private static final int FUNCTION_MASK = 0x40;
    private static final int VECTOR_CONTROL = 12;

    @TempDir
    Path directory;

    private final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    private final NvmSubsystem subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:test", "SERIAL1", "Doorbell test");
    private final EventFd sign = EventFd.create();
    private EmulatedFunction function;
    private VfioUserServer server;
    private RawClient client;
    private long pendingBits;

    @BeforeEach
    void connect() {
        function = EmulatedFunction.create(EmulatorSettings.of("nvme0").withIoQueuePairs(20), subsystem, reactors);
        server = new VfioUserServer(function, directory);
        client = RawClient.connect(directory);
        client.map();
        client.mapSignalledDoorbells();
        client.enable();
        pendingBits = client.read(RegionInfo.CONFIGURATION, 0x48, 4).get(LE32, 0) & ~7;
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
        function.close();
        subsystem.close();
        reactors.close();
        sign.close();
    }

    private void route() {
        client.ask(Command.DEVICE_SET_IRQS, IrqSet.eventFds(IrqInfo.MSIX, 0, 1), sign.fd())
                .close();
        // Whoever begins to listen is told once of what was posted before.
        afterTheCycle();
        sign.drain();
    }

    private void command() {
        assertThat(client.admin(AdminOpcode.KEEP_ALIVE, 0, 0, 0)).isZero();
        afterTheCycle();
    }

    /** What the cycle before had to tell it has told, when the next tasks are done. */
    private void afterTheCycle() {
        for (int i = 0; i < 2; i++) {
            function.reactor().call(() -> null, Duration.ofSeconds(5));
        }
    }

    private boolean told() {
        return sign.drain() > 0;
    }

    private int pending() {
        return client.read(RegionInfo.BAR4, pendingBits, 8).get(LE32, 0);
    }

    @Test
    void capabilityBarAndIrqInfoAgree() {
        long table = client.read(RegionInfo.CONFIGURATION, 0x44, 4).get(LE32, 0);
        int control = client.read(RegionInfo.CONFIGURATION, 0x40, 4).get(LE32, 0) >>> 16;
        try (var irqs = client.ask(Command.DEVICE_GET_IRQ_INFO, IrqInfo.question(IrqInfo.MSIX));
                var bar = client.ask(Command.DEVICE_GET_REGION_INFO, RegionInfo.question(RegionInfo.BAR4, 4096))) {
            assertThat(table).isEqualTo(RegionInfo.BAR4);
            assertThat((control & 0x7FF) + 1).isEqualTo(21);
            assertThat(IrqInfo.decode(irqs.payload()).count()).isEqualTo(21);
            assertThat(RegionInfo.decode(bar.payload(), RegionInfo.BAR4).bytes())
                    .isEqualTo(2 * pendingBits);
            assertThat(pendingBits).isGreaterThanOrEqualTo(21 * 16);
        }
    }

    @Test
    void tellsAClientThatHasRoutedTheVectorAndNotOneThatPolls() {
        command();
        assertThat(told()).isFalse();
        route();

        command();
        assertThat(told()).isTrue();

        client.ask(Command.DEVICE_SET_IRQS, IrqSet.end(IrqInfo.MSIX)).close();
        command();
        assertThat(told()).isFalse();
    }

    @Test
    void aVectorMaskedByMessageIsPendingAndToldLater() {
        route();
        var mask = IrqSet.eventFds(IrqInfo.MSIX, 0, 1);
        mask.set(LE32, 4, IrqSet.NONE | IrqSet.MASK);
        client.ask(Command.DEVICE_SET_IRQS, mask).close();

        command();
        assertThat(told()).isFalse();
        assertThat(pending()).isEqualTo(1);

        mask.set(LE32, 4, IrqSet.NONE | IrqSet.UNMASK);
        client.ask(Command.DEVICE_SET_IRQS, mask).close();
        assertThat(told()).isTrue();
        assertThat(pending()).isZero();
    }

    @Test
    void aVectorMaskedInTheTableIsPendingAndToldLater() {
        route();
        client.write(RegionInfo.BAR4, VECTOR_CONTROL, new byte[] {1, 0, 0, 0});
        assertThat(client.read(RegionInfo.BAR4, VECTOR_CONTROL, 4).get(LE32, 0)).isEqualTo(1);

        command();
        assertThat(told()).isFalse();
        assertThat(pending()).isEqualTo(1);
        client.write(RegionInfo.BAR4, pendingBits, new byte[] {0, 0, 0, 0});
        assertThat(pending()).as("is read only").isEqualTo(1);

        client.write(RegionInfo.BAR4, VECTOR_CONTROL, new byte[] {0, 0, 0, 0});
        assertThat(told()).isTrue();
    }

    @Test
    void theFunctionMaskHoldsAllBack() {
        route();
        client.write(RegionInfo.CONFIGURATION, MESSAGE_CONTROL + 1, new byte[] {FUNCTION_MASK});

        command();
        assertThat(told()).isFalse();

        client.write(RegionInfo.CONFIGURATION, MESSAGE_CONTROL + 1, new byte[] {0});
        assertThat(told()).isTrue();
    }

    @Test
    void aResetForgetsRoutesAndMasks() {
        route();
        client.write(RegionInfo.BAR4, VECTOR_CONTROL, new byte[] {1, 0, 0, 0});
        client.ask(Command.DEVICE_RESET, MemorySegment.NULL).close();
        assertThat(client.read(RegionInfo.BAR4, VECTOR_CONTROL, 4).get(LE32, 0)).isZero();

        client.enable();
        command();
        assertThat(told()).isFalse();
        route();
        command();
        assertThat(told()).isTrue();
    }

    @Test
    void reachesMemoryOnlyAsABusMaster() {
        client.busMaster(false);
        client.submitKeepAlive();
        afterTheCycle();
        assertThat(client.hasCompletion()).isFalse();

        client.busMaster(true);

        RawClient.await(client::hasCompletion);
    }

    @Test
    void refusesToMaskWhatIsNotMaskable() {
        var mask = IrqSet.eventFds(IrqInfo.ERROR, 0, 1);
        mask.set(LE32, 4, IrqSet.NONE | IrqSet.MASK);

        assertThat(client.refusal(Command.DEVICE_SET_IRQS, mask)).isEqualTo(ProtocolException.ENOTSUP);
        assertThat(client.refusal(Command.DEVICE_SET_IRQS, IrqSet.eventFds(IrqInfo.MSIX, 21, 1)))
                .isEqualTo(ProtocolException.EINVAL);
    }
}
