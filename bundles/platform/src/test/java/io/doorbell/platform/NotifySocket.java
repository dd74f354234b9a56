package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/** What a service manager listens on, for tests: a Unix datagram socket. Any thread, one at a time. */
public final class NotifySocket implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment errno = arena.allocate(Libc.ERRNO_STATE);
    private final MemorySegment buffer = arena.allocate(4096);
    private final int fd;

    public NotifySocket(String path) {
        fd = SocketCalls.datagramSocket(errno);
        var address =
                ServiceManager.of(Map.of("NOTIFY_SOCKET", path)).orElseThrow().sockaddr(arena);
        int result = SocketCalls.bind(errno, fd, address);
        if (fd < 0 || result < 0) {
            throw new PlatformException("bind " + path, -Math.min(fd, result), "");
        }
    }

    /** What has come, or nothing yet. */
    public synchronized Optional<String> next() {
        long bytes = Libc.read(errno, fd, buffer);
        if (bytes == -Errno.EAGAIN) {
            return Optional.empty();
        }
        if (bytes < 0) {
            throw new PlatformException("read", (int) -bytes, "");
        }
        return Optional.of(new String(buffer.asSlice(0, bytes).toArray(JAVA_BYTE), StandardCharsets.UTF_8));
    }

    @Override
    public void close() {
        Descriptor.closeNumber(fd);
        arena.close();
    }
}
