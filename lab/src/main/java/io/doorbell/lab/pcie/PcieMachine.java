package io.doorbell.lab.pcie;

import io.doorbell.lab.Lab.Images;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/** The controllers of {@link Slot}, as arguments for QEMU: docs/system/devices/nvme.rst of its sources. */
final class PcieMachine {
    private static final long DISK_BYTES = 64 << 20;

    private final Images images;
    private final List<String> arguments = new ArrayList<>();

    private PcieMachine(Images images) {
        this.images = images;
    }

    static List<String> arguments(Images images) {
        var machine = new PcieMachine(images);
        machine.all();
        return machine.arguments;
    }

    private void all() {
        controller(Slot.PLAIN, "drive=" + disk("plain"));
        controller(Slot.TWIN, "drive=" + disk("twin"));
        // Two vectors for its I/O queues.
        controller(Slot.MANY, "max_ioqpairs=16,msix_qsize=3");
        namespace(Slot.MANY, 1, "logical_block_size=512");
        namespace(Slot.MANY, 2, "logical_block_size=4096,physical_block_size=4096");
        namespace(Slot.MANY, 5, "logical_block_size=4096,physical_block_size=4096");
        controller(Slot.META, "max_ioqpairs=8");
        namespace(Slot.META, 1, "ms=16");
        namespace(Slot.META, 2, "ms=8,pi=1");
        namespace(Slot.META, 3, "ms=8,pi=2");
        namespace(Slot.META, 4, "ms=8,pi=3");
        namespace(Slot.META, 5, "ms=8,pi=1,mset=1");
        namespace(Slot.META, 6, "ms=16,pi=1,pil=1");
        controller(Slot.SMALL, "mdts=1,drive=" + disk("small"));
        add("nvme-subsys,id=subsystem,nqn=lab");
        controller(Slot.SHARED_A, "subsys=subsystem");
        controller(Slot.SHARED_B, "subsys=subsystem");
        namespace(Slot.SHARED_B, 1, "shared=on");
        namespace(Slot.SHARED_B, 2, "shared=on,detached=on");
        controller(Slot.SLOW, "drive=" + disk("slow"));
        controller(Slot.ZONED, "max_ioqpairs=8");
        namespace(
                Slot.ZONED,
                1,
                "zoned=on,zoned.zone_size=4M,zoned.max_open=4,zoned.max_active=6,"
                        + "logical_block_size=4096,physical_block_size=4096");
        add("pcie-root-port,id=hot-port,chassis=1,addr=0x" + Integer.toHexString(Slot.PORT));
        // Not -drive: that goes with the device that is unplugged.
        arguments.addAll(List.of(
                "-blockdev",
                "node-name=hot,driver=raw,file.driver=file,file.filename=" + images.sparse("hot.img", DISK_BYTES)));
        var hot = new StringJoiner(",");
        hotArguments().forEach((name, value) -> hot.add(name + "=" + value));
        add(hot.toString());
    }

    /** What is plugged in again after it was unplugged. */
    static Map<String, Object> hotArguments() {
        var arguments = new LinkedHashMap<String, Object>();
        arguments.put("driver", "nvme");
        arguments.put("id", Slot.HOT.id());
        arguments.put("serial", Slot.HOT.serial());
        arguments.put("bus", "hot-port");
        arguments.put("drive", "hot");
        return arguments;
    }

    private void controller(Slot slot, String more) {
        add("nvme,id=" + slot.id() + ",serial=" + slot.serial() + ",addr=" + slot.place() + "," + more);
    }

    private void namespace(Slot slot, int nsid, String more) {
        add("nvme-ns,bus=" + slot.id() + ",nsid=" + nsid + ",drive=" + disk(slot.id() + "-" + nsid) + "," + more);
    }

    /** Its id. */
    private String disk(String name) {
        var image = images.sparse(name + ".img", DISK_BYTES);
        arguments.addAll(List.of("-drive", "id=" + name + ",if=none,format=raw,file=" + image));
        return name;
    }

    private void add(String device) {
        arguments.addAll(List.of("-device", device));
    }
}
