package io.doorbell.vfiouser;

import io.doorbell.platform.Descriptor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A message that came: a command or the answer to one. Whoever has it closes it, and with it the descriptors that nobody took out.
 *
 * <p>Not for several threads at one time.
 */
public final class Message implements AutoCloseable {
    private final int command;
    private final MemorySegment payload;
    private final List<Descriptor> descriptors;

    Message(int command, MemorySegment payload, List<Descriptor> descriptors) {
        this.command = command;
        this.payload = payload;
        this.descriptors = new ArrayList<>(descriptors);
    }

    public int command() {
        return command;
    }

    /** What follows the header, on the heap. */
    public MemorySegment payload() {
        return payload;
    }

    /** Descriptors that came with it, taken or not. */
    public int descriptorCount() {
        return descriptors.size();
    }

    /**
     * Takes a descriptor out, which is the caller's from now on.
     *
     * @throws ProtocolException if there are not that many, or it was taken
     */
    public Descriptor take(int index) {
        if (index < 0 || index >= descriptors.size() || descriptors.get(index) == null) {
            throw new ProtocolException(Command.name(command) + " with " + descriptors.size()
                    + " descriptors has none with index " + index);
        }
        return descriptors.set(index, null);
    }

    @Override
    public void close() {
        for (int i = 0; i < descriptors.size(); i++) {
            var untaken = descriptors.set(i, null);
            if (untaken != null) {
                untaken.close();
            }
        }
    }
}
