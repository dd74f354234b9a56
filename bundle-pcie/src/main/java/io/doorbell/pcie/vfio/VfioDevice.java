package io.doorbell.pcie.vfio;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.doorbell.pci.PciException;
import io.doorbell.platform.DeviceFile;
import io.doorbell.platform.DeviceMemory;
import io.doorbell.platform.EventFd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Function;

/**
 * The file of a claimed function: what can be asked of it, each as a call. Any thread. Registers are read and written by system calls: they are few, and
 * such a call answers with an error where an access to mapped memory of a device that has gone would be a fault.
 */
final class VfioDevice implements AutoCloseable {
    // PCI Express Base 6.0 §7.5.1 "PCI-Compatible Configuration Registers".
    private static final int CONFIGURATION_ID = 0x00;
    private static final int CONFIGURATION_COMMAND = 0x04;
    private static final int COMMAND_MEMORY_SPACE = 1 << 1;
    private static final int COMMAND_BUS_MASTER = 1 << 2;
    private static final int COMMAND_INTX_DISABLE = 1 << 10;
    private static final int ALL_ONES = -1;

    private final DeviceFile file;
    private final boolean resettable;
    private final RegionInfo bar0;
    private final RegionInfo configuration;

    /** Takes the file over. */
    VfioDevice(String address, DeviceFile file) {
        this.file = file;
        try (var scratch = Arena.ofConfined()) {
            var info = Answers.ask(
                    file, "VFIO_DEVICE_GET_INFO", Vfio.DEVICE_GET_INFO, scratch, Vfio.DEVICE_INFO_BYTES, _ -> {});
            int flags = info.get(JAVA_INT, 4);
            int regions = info.get(JAVA_INT, 8);
            if ((flags & Vfio.DEVICE_PCI) == 0 || regions <= Vfio.CONFIGURATION) {
                throw new PciException(String.format(
                        "%s: VFIO has it as no PCI function: flags %Xh, %d regions", address, flags, regions));
            }
            resettable = (flags & Vfio.DEVICE_RESETTABLE) != 0;
            bar0 = region(Vfio.BAR0);
            configuration = region(Vfio.CONFIGURATION);
        } catch (RuntimeException refused) {
            file.close();
            throw refused;
        }
    }

    private RegionInfo region(int index) {
        try (var scratch = Arena.ofConfined()) {
            var answer = Answers.ask(
                    file,
                    "VFIO_DEVICE_GET_REGION_INFO",
                    Vfio.DEVICE_GET_REGION_INFO,
                    scratch,
                    Vfio.REGION_INFO_BYTES,
                    question -> question.set(JAVA_INT, 8, index));
            return RegionInfo.decode(answer, index);
        }
    }

    RegionInfo bar0() {
        return bar0;
    }

    int read32(int offset) {
        return access(scratch -> {
            var buffer = scratch.allocate(JAVA_INT);
            file.read(buffer, at(bar0, offset, Integer.BYTES));
            return buffer.get(JAVA_INT, 0);
        });
    }

    /** Two reads of 32 bits, as NVMe allows it of every controller; the lower one first. */
    long read64(int offset) {
        long low = Integer.toUnsignedLong(read32(offset));
        return low | (long) read32(offset + Integer.BYTES) << Integer.SIZE;
    }

    void write32(int offset, int value) {
        access(scratch -> {
            file.write(scratch.allocateFrom(JAVA_INT, value), at(bar0, offset, Integer.BYTES));
            return null;
        });
    }

    void write64(int offset, long value) {
        write32(offset, (int) value);
        write32(offset + Integer.BYTES, (int) (value >>> Integer.SIZE));
    }

    private static <T> T access(Function<Arena, T> access) {
        try (var scratch = Arena.ofConfined()) {
            return access.apply(scratch);
        }
    }

    private static long at(RegionInfo region, long offset, int bytes) {
        if (offset < 0 || offset > region.bytes() - bytes) {
            throw new PciException(String.format("a region of %Xh bytes has none at %Xh", region.bytes(), offset));
        }
        return region.offset() + offset;
    }

    /** A part of BAR0, of whole pages. */
    DeviceMemory map(long offset, long bytes) {
        return file.map(bar0.offset() + offset, bytes);
    }

    /** Whether it still answers: one that has left its bus reads all ones everywhere. */
    boolean answers() {
        return access(scratch -> {
            var id = scratch.allocate(JAVA_INT);
            file.read(id, at(configuration, CONFIGURATION_ID, Integer.BYTES));
            return id.get(JAVA_INT, 0) != ALL_ONES;
        });
    }

    /** Lets the function answer to its registers and reach memory, or not. */
    void busMaster(boolean enabled) {
        access(scratch -> {
            var command = scratch.allocate(JAVA_SHORT);
            long place = at(configuration, CONFIGURATION_COMMAND, Short.BYTES);
            file.read(command, place);
            int bits = COMMAND_MEMORY_SPACE | COMMAND_BUS_MASTER | COMMAND_INTX_DISABLE;
            int old = command.get(JAVA_SHORT, 0);
            command.set(JAVA_SHORT, 0, (short) (enabled ? old | bits : old & ~COMMAND_BUS_MASTER));
            file.write(command, place);
            return null;
        });
    }

    /** Back to the state after power on, with its configuration kept. Returns whether it can be. */
    boolean reset() {
        if (resettable) {
            file.ioctl("VFIO_DEVICE_RESET", Vfio.DEVICE_RESET, 0);
        }
        return resettable;
    }

    /** How many interrupts of a kind it has that an eventfd can be told of. */
    int interrupts(int index) {
        try (var scratch = Arena.ofConfined()) {
            var info = scratch.allocate(Vfio.IRQ_INFO_BYTES, Long.BYTES);
            info.set(JAVA_INT, 0, Vfio.IRQ_INFO_BYTES);
            info.set(JAVA_INT, 8, index);
            file.ioctl("VFIO_DEVICE_GET_IRQ_INFO", Vfio.DEVICE_GET_IRQ_INFO, info);
            return (info.get(JAVA_INT, 4) & Vfio.IRQ_EVENTFD) == 0 ? 0 : info.get(JAVA_INT, 12);
        }
    }

    /** Enables {@code count} vectors, none of which goes anywhere yet. Returns 0, or how many can be had at most. */
    int enable(int index, int count) {
        return signals(index, 0, count, _ -> -1);
    }

    /** Where one interrupt goes from now on; null for nowhere. */
    void route(int index, int vector, EventFd sign) {
        int fd = sign == null ? -1 : sign.fd();
        signals(index, vector, 1, _ -> fd);
    }

    /** Disables all interrupts of a kind. */
    void disable(int index) {
        try (var scratch = Arena.ofConfined()) {
            file.ioctl(
                    "VFIO_DEVICE_SET_IRQS",
                    Vfio.DEVICE_SET_IRQS,
                    interruptSet(scratch, Vfio.IRQ_SET_NONE_TRIGGER, index, 0, 0, 0));
        }
    }

    private int signals(int index, int start, int count, Function<Integer, Integer> descriptors) {
        try (var scratch = Arena.ofConfined()) {
            var set = interruptSet(scratch, Vfio.IRQ_SET_EVENTFD_TRIGGER, index, start, count, count * Integer.BYTES);
            for (int i = 0; i < count; i++) {
                set.set(JAVA_INT, Vfio.IRQ_SET_BYTES + (long) i * Integer.BYTES, descriptors.apply(i));
            }
            return file.ioctl("VFIO_DEVICE_SET_IRQS", Vfio.DEVICE_SET_IRQS, set);
        }
    }

    private static MemorySegment interruptSet(Arena arena, int flags, int index, int start, int count, int dataBytes) {
        var set = arena.allocate(Vfio.IRQ_SET_BYTES + dataBytes, JAVA_LONG.byteAlignment());
        set.set(JAVA_INT, 0, Vfio.IRQ_SET_BYTES + dataBytes);
        set.set(JAVA_INT, 4, flags);
        set.set(JAVA_INT, 8, index);
        set.set(JAVA_INT, 12, start);
        set.set(JAVA_INT, 16, count);
        return set;
    }

    /** Closes the file. The kernel lets go of the device when no mapping of it is left either. */
    @Override
    public void close() {
        file.close();
    }
}
