package io.doorbell.platform;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Who has a port of this machine, as far as Linux tells this user: of processes of other users it tells root only. proc_net(5), proc_pid_fd(5).
 *
 * @param pid {@link #UNKNOWN} for a process that this user may not look at, or that is in another PID namespace
 * @param command the name of its program; empty where it is not known
 * @param uid whose socket it is
 */
public record PortHolder(long pid, String command, long uid) {
    public static final long UNKNOWN = -1;

    /** State of a TCP socket that listens, as in Linux's {@code net/tcp_states.h}. */
    private static final String LISTEN = "0A";

    /** Of a line: local address and port, state, user, inode. */
    private static final int ADDRESS = 1;

    private static final int STATE = 3;
    private static final int USER = 7;
    private static final int INODE = 9;

    /** The most descriptors that are looked at: a message is not worth more. */
    private static final int MAX_DESCRIPTORS = 100_000;

    /** Who listens where a TCP listener at an address would be in the way of it. */
    public static Optional<PortHolder> tcp(InetAddress address, int port) {
        return of(Path.of("/proc"), List.of("tcp", "tcp6"), true, address, port);
    }

    /** Who has a UDP port where a socket bound to an address would be in the way of it. */
    public static Optional<PortHolder> udp(InetAddress address, int port) {
        return of(Path.of("/proc"), List.of("udp", "udp6"), false, address, port);
    }

    private static Optional<PortHolder> of(
            Path proc, List<String> tables, boolean listening, InetAddress address, int port) {
        for (var table : tables) {
            for (var line : lines(proc.resolve("net").resolve(table))) {
                var fields = line.strip().split("\\s+");
                if (fields.length > INODE
                        && (!listening || fields[STATE].equals(LISTEN))
                        && isInTheWay(fields[ADDRESS], address, port)) {
                    return Optional.of(holder(proc, fields[INODE], Long.parseLong(fields[USER])));
                }
            }
        }
        return Optional.empty();
    }

    private static List<String> lines(Path table) {
        try {
            return Files.readAllLines(table);
        } catch (IOException hidden) {
            return List.of(); // A machine without IPv6, or a container that hides it: nobody is known.
        }
    }

    /** @param local as in {@code 0100007F:1144}: words in the machine's byte order */
    static boolean isInTheWay(String local, InetAddress address, int port) {
        int colon = local.indexOf(':');
        if (colon < 0
                || !local.substring(colon + 1)
                        .equals(HexFormat.of().withUpperCase().toHexDigits((short) port))) {
            return false;
        }
        var words = HexFormat.of().parseHex(local, 0, colon);
        var bytes = new byte[words.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = words[(i & ~3) + 3 - (i & 3)];
        }
        try {
            var theirs = InetAddress.getByAddress(bytes);
            return theirs.isAnyLocalAddress() || address.isAnyLocalAddress() || theirs.equals(address);
        } catch (UnknownHostException noAddress) {
            return false;
        }
    }

    private static PortHolder holder(Path proc, String inode, long uid) {
        var socket = "socket:[" + inode + "]";
        int left = MAX_DESCRIPTORS;
        try (var processes = Files.newDirectoryStream(proc, "[0-9]*")) {
            for (var process : processes) {
                var descriptors = descriptors(process, left);
                left -= descriptors.size();
                if (descriptors.contains(socket)) {
                    return new PortHolder(Long.parseLong(process.getFileName().toString()), command(process), uid);
                }
                if (left == 0) {
                    break;
                }
            }
        } catch (IOException | DirectoryIteratorException hidden) {
            // Then it is known whose it is, and no more.
        }
        return new PortHolder(UNKNOWN, "", uid);
    }

    /** What the descriptors of a process are; none of a process that has gone, or is not for this user to see. */
    private static List<String> descriptors(Path process, int atMost) {
        try (Stream<Path> links = Files.list(process.resolve("fd"))) {
            return links.limit(atMost).map(PortHolder::target).toList();
        } catch (IOException | UncheckedIOException hidden) {
            return List.of();
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException closed) {
            return "";
        }
    }

    private static String command(Path process) {
        try {
            return Files.readString(process.resolve("comm")).strip().replaceAll("\\p{Cntrl}", "?");
        } catch (IOException gone) {
            return "";
        }
    }

    /** As in a message: "java (pid 4711)". */
    @Override
    public String toString() {
        if (pid == UNKNOWN) {
            return "a process of user id " + uid;
        }
        return (command.isEmpty() ? "a process" : command) + " (pid " + pid + ")";
    }
}
