package io.doorbell.runtime.doctor;

import static io.doorbell.runtime.doctor.Finding.fails;
import static io.doorbell.runtime.doctor.Finding.lacks;
import static io.doorbell.runtime.doctor.Finding.ok;

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

/**
 * Whether a node that starts in a home gets the ports that its configuration names.
 *
 * @param configuration {@code config/} of the home, or of the distribution where there is no home yet
 * @param running whether a node runs there: then the ports are its own
 */
record PortChecks(Path configuration, boolean running) {
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
        if (running) {
            return ok(subject, what + ": the node that runs has it, or says in its log why not");
        }
        try (var probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(InetAddress.ofLiteral(address), Integer.parseInt(port)));
            return ok(subject, what + ": free on " + address);
        } catch (NumberFormatException e) {
            return fails(subject, file.getFileName() + ": port = " + port, "write a number, 0 to 65535");
        } catch (IOException | IllegalArgumentException e) {
            return fails(
                    subject,
                    what + ": cannot be had on " + address + " (" + e.getMessage() + ")",
                    "sudo ss -ltnp 'sport = :" + port + "' says who has it; or set another port in config/"
                            + file.getFileName());
        }
    }

    private Finding roce(String address, Path file) {
        var subject = "port " + ROCE_PORT + "/udp";
        var rxe = rxeIsLoaded(Path.of("/proc/modules"));
        if (running && rxe) {
            return lacks(
                    subject,
                    "RDMA in software: the kernel's rdma_rxe is loaded, which takes the port where it can:"
                            + " 'doorbell status' says whether the node that runs has it",
                    RXE_REMEDY);
        }
        if (running) {
            return ok(subject, "RDMA in software: the node that runs has it, or says in its log why not");
        }
        try (var _ = new DatagramSocket(new InetSocketAddress(InetAddress.ofLiteral(address), ROCE_PORT))) {
            return ok(subject, "RDMA in software: free on " + address);
        } catch (IOException | IllegalArgumentException e) {
            return lacks(
                    subject,
                    "RDMA in software: cannot be had on " + address + " (" + e.getMessage() + ")"
                            + (rxe ? "; the kernel's rdma_rxe has it" : ""),
                    rxe
                            ? RXE_REMEDY
                            : "sudo ss -lunp 'sport = :" + ROCE_PORT + "' says who has it; or delete config/"
                                    + file.getFileName());
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
