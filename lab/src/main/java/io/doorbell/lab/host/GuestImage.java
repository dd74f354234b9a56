package io.doorbell.lab.host;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;

/**
 * The guest's first file system: busybox, the modules that reach the machine's own file system, and a script that makes that
 * the guest's root (to read; what is written stays in the guest's memory). Everything else the guest sees where the machine
 * has it: the JDK, this project, the packages.
 */
final class GuestImage {
    private static final List<String> MODULES =
            List.of("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console", "virtio_rng");

    private GuestImage() {}

    /** In {@code folder}, made if there is none for these packages and this script. */
    static Path in(Path folder, Packages packages, Kernel kernel) throws IOException, InterruptedException {
        var init = script();
        var image = folder.resolve("initramfs-" + kernel.release() + "-" + mark(init) + ".gz");
        if (!Files.exists(image)) {
            var temporary = Files.createTempFile(folder, "initramfs", null);
            write(temporary, packages, init, new ModuleOrder(kernel.modules()).of(MODULES));
            Files.move(temporary, image, StandardCopyOption.ATOMIC_MOVE);
        }
        return image;
    }

    private static byte[] script() throws IOException {
        try (var in = GuestImage.class.getResourceAsStream("init.sh")) {
            return in.readAllBytes();
        }
    }

    private static String mark(byte[] init) {
        var sum = new CRC32();
        sum.update(init);
        sum.update(String.join(" ", MODULES).getBytes());
        return HexFormat.of().toHexDigits((int) sum.getValue());
    }

    private static void write(Path image, Packages packages, byte[] init, List<Path> modules)
            throws IOException, InterruptedException {
        try (var cpio = new CpioArchive(new GZIPOutputStream(new BufferedOutputStream(Files.newOutputStream(image))))) {
            for (var name : List.of("bin", "dev", "modules", "proc", "sys", "root", "host", "own")) {
                cpio.folder(name);
            }
            cpio.device("dev/console", 5, 1);
            cpio.program("bin/busybox", Files.readAllBytes(packages.root().resolve("bin/busybox")));
            cpio.program("init", init);
            for (int index = 0; index < modules.size(); index++) {
                // The number says the order.
                var name = String.format(
                        "modules/%03d-%s",
                        index, modules.get(index).getFileName().toString().replaceFirst("\\.xz$", ""));
                cpio.program(name, packages.module(modules.get(index)));
            }
        }
    }
}
