package io.doorbell.lab.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.host.admin.AdminCommands;
import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.guest.Lane;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.Version;
import io.doorbell.pcibus.PciBusException;
import io.doorbell.pcie.PcieController;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** Bring-up, and what a controller says of itself, measured by what the kernel's driver brings up and says. */
final class IdentityCases {
    private static final Duration BOUND = Duration.ofSeconds(60);

    /** Bytes of Identify Controller that twins do not share: the serial number, and the name of the subsystem, which has it. */
    private static final List<int[]> OWN = List.of(new int[] {4, 24}, new int[] {768, 1024});

    private IdentityCases() {}

    static List<Case> cases() {
        return List.of(
                Case.of("identify-as-the-kernel-does", IdentityCases::identify),
                Case.of("identify-is-that-of-a-twin", IdentityCases::twin),
                Case.of("bring-up-again-and-again", IdentityCases::again),
                Case.of("a-mounted-disk-is-not-taken", IdentityCases::mounted));
    }

    /** The same controller, first ours, then the kernel's: every byte is the same, and what we read out of it. */
    private static void identify(Guest guest) throws Exception {
        byte[] controller;
        byte[] namespace;
        long bytes;
        int blockBytes;
        PcieController seen;
        try (var ours = Controllers.open(Slot.PLAIN)) {
            var admin = new AdminCommands(ours, BOUND);
            controller = admin.identifyController().toArray(ValueLayout.JAVA_BYTE);
            namespace = admin.identifyNamespace(1).toArray(ValueLayout.JAVA_BYTE);
            assertThat(ours.info().raw()).as("what bring-up kept").isEqualTo(controller);
            bytes = Controllers.namespace(ours, 1).byteSize();
            blockBytes = Controllers.namespace(ours, 1).blockBytes();
            seen = ours;
        }
        var kernel = Bus.toKernel(Slot.PLAIN);
        var disk = Bus.disk(Slot.PLAIN);

        assertThat(guest.run("nvme", "id-ctrl", "/dev/" + kernel, "--raw-binary"))
                .as("Identify Controller")
                .isEqualTo(controller);
        assertThat(guest.run("nvme", "id-ns", disk, "--raw-binary"))
                .as("Identify Namespace")
                .startsWith(Arrays.copyOf(namespace, IdentifyNamespace.SIZE_BYTES));
        var sysfs = Path.of("/sys/class/nvme", kernel);
        var info = seen.info();
        assertThat(info.serial()).as("serial").isEqualTo(Bus.read(sysfs.resolve("serial")));
        assertThat(info.model()).as("model").isEqualTo(Bus.read(sysfs.resolve("model")));
        assertThat(info.firmware()).as("firmware").isEqualTo(Bus.read(sysfs.resolve("firmware_rev")));
        assertThat(info.controllerId()).as("cntlid").isEqualTo(number(sysfs.resolve("cntlid")));
        assertThat(new Version(info.version())).as("version").isEqualTo(Version.NVME_1_4);
        var queue = Path.of("/sys/class/block").resolve(Path.of(disk).getFileName());
        assertThat(bytes).as("bytes").isEqualTo(512L * number(queue.resolve("size")));
        assertThat(blockBytes).as("block").isEqualTo(number(queue.resolve("queue/logical_block_size")));
        assertThat(info.maxTransferBytes())
                .as("longest transfer")
                .isEqualTo(1024 * number(queue.resolve("queue/max_hw_sectors_kb")));
    }

    private static int number(Path attribute) {
        return Integer.parseInt(Bus.read(attribute));
    }

    /** Both at once, each with its driver. */
    private static void twin(Guest guest) throws Exception {
        var kernel = Bus.toKernel(Slot.TWIN);
        try (var ours = Controllers.open(Slot.PLAIN)) {
            var theirs = guest.run("nvme", "id-ctrl", "/dev/" + kernel, "--raw-binary");

            assertThat(IdentifyController.SN.get(MemorySegment.ofArray(theirs))).isEqualTo(Slot.TWIN.serial());
            assertThat(ours.info().serial()).isEqualTo(Slot.PLAIN.serial());
            assertThat(withoutOwn(ours.info().raw())).isEqualTo(withoutOwn(theirs));
        }
    }

    private static byte[] withoutOwn(byte[] identify) {
        var copy = identify.clone();
        for (var range : OWN) {
            Arrays.fill(copy, range[0], range[1], (byte) 0);
        }
        return copy;
    }

    /** A claim that ends leaves the controller as the next one needs it; so does the kernel's driver. */
    private static void again(Guest guest) throws IOException {
        for (int round = 0; round < 3; round++) {
            try (var ours = Controllers.open(Slot.PLAIN);
                    var lane = new Lane(ours)) {
                assertThat(lane.read(Controllers.namespace(ours, 1), 0, 1, 0)).isZero();
            }
            Bus.toKernel(Slot.PLAIN);
        }
    }

    /** Nobody pulls a file system away by binding. */
    private static void mounted(Guest guest) throws Exception {
        Bus.toKernel(Slot.TWIN);
        var disk = Bus.disk(Slot.TWIN);
        var folder = Files.createTempDirectory("lab");
        guest.run(guest.busybox(), "mke2fs", disk);
        guest.run(guest.busybox(), "mount", "-t", "ext2", disk, folder.toString());
        try {
            assertThatThrownBy(() -> Bus.toVfio(Slot.TWIN))
                    .isInstanceOf(PciBusException.class)
                    .hasMessageContaining(folder.toString());
            Files.writeString(folder.resolve("file"), "still there");
        } finally {
            guest.run(guest.busybox(), "umount", folder.toString());
        }
        Bus.toVfio(Slot.TWIN);
        Bus.toKernel(Slot.TWIN);
    }
}
