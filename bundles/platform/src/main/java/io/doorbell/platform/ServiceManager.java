package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * Whoever started this process and wants to hear from it, systemd say: one datagram with lines such as {@code READY=1}. sd_notify(3)
 * "Notes"; the JDK has no Unix datagram sockets. Any thread; control path.
 */
public final class ServiceManager {
    /** What is told is a few words; systemd reads no more than 4096 bytes. */
    static final int MAX_BYTES = 1024;

    private final byte[] address;
    private final String shownAddress;
    private final Duration watchdog;

    private ServiceManager(String path, Duration watchdog) {
        this.shownAddress = path;
        this.address = path.getBytes(StandardCharsets.UTF_8);
        if (path.startsWith("@")) {
            address[0] = 0; // The abstract namespace: unix(7).
        }
        this.watchdog = watchdog;
    }

    /**
     * Nobody, where the environment names no socket of a kind that we speak to.
     *
     * @throws IllegalArgumentException where the name is too long
     */
    public static Optional<ServiceManager> of(Map<String, String> environment) {
        var path = environment.getOrDefault("NOTIFY_SOCKET", "");
        if (!path.startsWith("/") && !path.startsWith("@")) {
            return Optional.empty();
        }
        if (path.getBytes(StandardCharsets.UTF_8).length > UnixSocket.MAX_PATH_BYTES) {
            throw new IllegalArgumentException(
                    "NOTIFY_SOCKET is longer than " + UnixSocket.MAX_PATH_BYTES + " bytes: " + path);
        }
        return Optional.of(new ServiceManager(path, watchdog(environment)));
    }

    /** sd_watchdog_enabled(3): meant for this process, where it names one. */
    private static Duration watchdog(Map<String, String> environment) {
        var micros = environment.getOrDefault("WATCHDOG_USEC", "");
        var pid = environment.getOrDefault("WATCHDOG_PID", "");
        var mine = pid.isEmpty()
                || pid.equals(Long.toString(ProcessHandle.current().pid()));
        return mine && micros.matches("[1-9][0-9]{0,15}")
                ? Duration.ofNanos(Long.parseLong(micros) * 1_000)
                : Duration.ZERO;
    }

    /** How often {@code WATCHDOG=1} is to come, at the least; zero where nobody waits for it. */
    public Duration watchdog() {
        return watchdog;
    }

    /**
     * Tells; what cannot be told at once is dropped.
     *
     * @param lines {@code NAME=value}, parted by newlines
     * @throws PlatformException where nobody listens there any more
     */
    public void tell(String lines) {
        var text = lines.getBytes(StandardCharsets.UTF_8);
        if (text.length == 0 || text.length > MAX_BYTES) {
            throw new IllegalArgumentException(text.length + " bytes to tell: 1 to " + MAX_BYTES);
        }
        NativeAccess.require();
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            int fd = SocketCalls.datagramSocket(errno);
            if (fd < 0) {
                throw new PlatformException("socket", -fd, "");
            }
            try {
                int connected = SocketCalls.connect(errno, fd, sockaddr(scratch));
                var message = scratch.allocate(text.length);
                MemorySegment.copy(text, 0, message, JAVA_BYTE, 0, text.length);
                long result = connected < 0 ? connected : Libc.write(errno, fd, message);
                if (result < 0 && result != -Errno.EAGAIN) {
                    throw new PlatformException("notify " + shownAddress, (int) -result, "");
                }
            } finally {
                Descriptor.closeNumber(fd);
            }
        }
    }

    /** Without a NUL at the end: in the abstract namespace it would be part of the name. */
    MemorySegment sockaddr(Arena arena) {
        var sockaddr = arena.allocate(Short.BYTES + address.length, Short.BYTES);
        sockaddr.set(JAVA_SHORT, 0, (short) SocketCalls.AF_UNIX);
        MemorySegment.copy(address, 0, sockaddr, JAVA_BYTE, Short.BYTES, address.length);
        return sockaddr;
    }
}
