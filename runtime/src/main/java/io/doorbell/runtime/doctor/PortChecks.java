package io.doorbell.runtime.doctor;

import static io.doorbell.runtime.doctor.Finding.fails;
import static io.doorbell.runtime.doctor.Finding.lacks;
import static io.doorbell.runtime.doctor.Finding.ok;

import io.doorbell.platform.PortHolder;
import io.doorbell.runtime.HomeLock;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Whether a node that starts in a home gets the ports that its configuration names.
 *
 * @param configuration {@code config/} of the home, or of the distribution where there is no home yet
 * @param node the process of the node that runs there, or {@link HomeLock#NOBODY}, or {@link HomeLock#SOMEBODY}
 */
record PortChecks(Path configuration, long node) {
    /** UDP, of RoCEv2. RoCEv2 Annex A17 of the InfiniBand Architecture Specification 1.3.1. */
    static final int ROCE_PORT = 4791;

    private static final String RXE_REMEDY =
            "sudo modprobe -r rdma_rxe, or run the node in a network namespace of its own";

    private static final String LOOPBACK = "127.0.0.1";

    List<Finding> all() {
        var findings = new ArrayList<Finding>();
        for (var file : files("io.doorbell.management.cfg")) {
            var options = options(file);
            if (!"false".equals(options.get("http.enabled"))) {
                findings.add(tcp(
                        "management",
                        options.getOrDefault("address", LOOPBACK),
                        options.getOrDefault("port", "8181"),
                        file));
            }
        }
        for (var file : files("io.doorbell.tcp.target~*.cfg")) {
            var options = options(file);
            findings.add(tcp(
                    "NVMe/TCP", options.getOrDefault("address", LOOPBACK), options.getOrDefault("port", "4420"), file));
        }
        for (var file : files("io.doorbell.rdma.soft~*.cfg")) {
            findings.add(roce(options(file).getOrDefault("address", LOOPBACK), file));
        }
        return findings;
    }

    private Finding tcp(String what, String address, String port, Path file) {
        var subject = "port " + port;
        int number;
        InetAddress place;
        try {
            number = Integer.parseInt(port);
            place = InetAddress.ofLiteral(address);
        } catch (NumberFormatException e) {
            return fails(subject, file.getFileName() + ": port = " + port, "write a number, 0 to 65535");
        } catch (IllegalArgumentException e) {
            return noAddress(subject, address, file);
        }
        if (number == 0) {
            return ok(subject, what + ": any free one on " + address);
        }
        var holder = PortHolder.tcp(place, number);
        var other = "set another port in config/" + file.getFileName();
        if (isRunning()) {
            return ofNode(subject, what + " on " + address, holder, other);
        }
        try (var probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(place, number));
            return ok(subject, what + ": free on " + address);
        } catch (IOException | IllegalArgumentException e) {
            return fails(
                    subject,
                    what + ": cannot be had on " + address + " (" + e.getMessage() + ")" + has(holder),
                    remedy("sudo ss -ltnp 'sport = :" + port + "'", holder, other));
        }
    }

    private static Finding noAddress(String subject, String address, Path file) {
        return fails(subject, file.getFileName() + ": address = " + address, "write one such as 127.0.0.1 or ::1");
    }

    private boolean isRunning() {
        return node != HomeLock.NOBODY;
    }

    /** Whether ports that this process sees are not those of that one; false where Linux does not tell this user. namespaces(7). */
    static boolean isElsewhere(Path proc, long pid) {
        try {
            var ours = Files.readSymbolicLink(proc.resolve("self/ns/net"));
            var theirs = Files.readSymbolicLink(proc.resolve(pid + "/ns/net"));
            return !ours.equals(theirs);
        } catch (IOException hidden) {
            return false;
        }
    }

    /** What the node that runs wants, and the one that has it. */
    private Finding ofNode(String subject, String what, Optional<PortHolder> holder, String other) {
        if (node != HomeLock.SOMEBODY && isElsewhere(Path.of("/proc"), node)) {
            return ok(
                    subject,
                    what + ": the node that runs (pid " + node + ") is in another network namespace, whose ports are"
                            + " not seen from here; from there: sudo nsenter --net=/proc/" + node
                            + "/ns/net doorbell doctor");
        }
        if (node == HomeLock.SOMEBODY || holder.isPresent() && holder.get().pid() == PortHolder.UNKNOWN) {
            return ok(subject, what + ": the node that runs has it, or says why not: doorbell status");
        }
        if (holder.isEmpty()) {
            return fails(
                    subject,
                    what + ": nobody has it, though the node of this home runs (pid " + node + ")",
                    "'doorbell status' and var/log/doorbell.log of the home say why");
        }
        return holder.get().pid() == node
                ? ok(subject, what + ": the node that runs (pid " + node + ") has it")
                : fails(
                        subject,
                        what + ": " + holder.get() + " has it, and not the node of this home (pid " + node + ")",
                        remedy("", holder, other));
    }

    private static String has(Optional<PortHolder> holder) {
        return holder.map(each -> "; " + each + " has it").orElse("");
    }

    /** @param who a command that says who has the port, for where it is not known */
    private static String remedy(String who, Optional<PortHolder> holder, String other) {
        return holder.filter(each -> each.pid() != PortHolder.UNKNOWN)
                .map(each -> "end process " + each.pid() + ", or " + other)
                .orElse(who + " says who has it; or " + other);
    }

    private Finding roce(String address, Path file) {
        var subject = "port " + ROCE_PORT + "/udp";
        var rxe = rxeIsLoaded(Path.of("/proc/modules"));
        InetAddress place;
        try {
            place = InetAddress.ofLiteral(address);
        } catch (IllegalArgumentException e) {
            return noAddress(subject, address, file);
        }
        if (isRunning() && rxe) {
            return lacks(
                    subject,
                    "RDMA in software: the kernel's rdma_rxe is loaded, which takes the port where it can:"
                            + " 'doorbell status' says whether the node that runs has it",
                    RXE_REMEDY);
        }
        var holder = PortHolder.udp(place, ROCE_PORT);
        var other = "delete config/" + file.getFileName();
        if (isRunning()) {
            var finding = ofNode(subject, "RDMA in software on " + address, holder, other);
            return finding.status() == Finding.Status.FAILS
                    ? lacks(subject, finding.found(), finding.remedy())
                    : finding;
        }
        try (var _ = new DatagramSocket(new InetSocketAddress(place, ROCE_PORT))) {
            return ok(subject, "RDMA in software: free on " + address);
        } catch (IOException | IllegalArgumentException e) {
            return lacks(
                    subject,
                    "RDMA in software: cannot be had on " + address + " (" + e.getMessage() + ")"
                            + (rxe ? "; the kernel's rdma_rxe has it" : has(holder)),
                    rxe ? RXE_REMEDY : remedy("sudo ss -lunp 'sport = :" + ROCE_PORT + "'", holder, other));
        }
    }

    static boolean rxeIsLoaded(Path modules) {
        try (var lines = Files.lines(modules)) {
            return lines.anyMatch(line -> line.startsWith("rdma_rxe "));
        } catch (IOException e) {
            return false; // Without /proc nobody can say.
        }
    }

    private List<Path> files(String pattern) {
        var files = new ArrayList<Path>();
        try (var found = Files.newDirectoryStream(configuration, pattern)) {
            found.forEach(files::add);
        } catch (IOException e) {
            return List.of(); // No such folder: nothing is configured.
        }
        files.sort(null);
        return files;
    }

    private static Map<String, String> options(Path file) {
        var options = new HashMap<String, String>();
        try {
            for (var line : Files.readAllLines(file)) {
                var equals = line.indexOf('=');
                if (equals > 0 && !line.strip().startsWith("#")) {
                    options.put(
                            line.substring(0, equals).strip(),
                            line.substring(equals + 1).strip());
                }
            }
        } catch (IOException e) {
            return Map.of(); // The node will say so; its defaults are looked at.
        }
        return options;
    }
}
