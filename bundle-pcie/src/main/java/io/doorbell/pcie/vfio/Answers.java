package io.doorbell.pcie.vfio;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.doorbell.pci.PciException;
import io.doorbell.platform.DeviceFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/** Questions of which the kernel may answer more than there was room for: it tells how much, and is asked again. */
final class Answers {
    /** Room for the fixed part and the capabilities that kernels have today. */
    private static final int USUAL_BYTES = 512;

    private Answers() {}

    /**
     * Asks.
     *
     * @param fixedBytes of the structure without capabilities
     * @param question fills in what is asked; the length is there already
     * @return the answer, as long as the kernel says that it is, at least {@code fixedBytes}
     */
    static MemorySegment ask(
            DeviceFile file, String what, long request, Arena arena, int fixedBytes, Consumer<MemorySegment> question) {
        int room = USUAL_BYTES;
        while (true) {
            var argument = arena.allocate(room, Long.BYTES);
            argument.set(JAVA_INT, 0, room);
            question.accept(argument);
            file.ioctl(what, request, argument);
            long told = Integer.toUnsignedLong(argument.get(JAVA_INT, 0));
            if (told <= room) {
                return argument.asSlice(0, Math.max(told, fixedBytes));
            }
            if (told > CapabilityChain.MAX_ANSWER_BYTES || room > USUAL_BYTES) {
                throw new PciException(what + ": the kernel's answer has " + told + " bytes");
            }
            room = (int) told;
        }
    }
}
