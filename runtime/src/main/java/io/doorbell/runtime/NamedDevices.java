package io.doorbell.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The devices that arguments of a command name by transport ids, for the driver of an embedded node to look for. */
final class NamedDevices {
    /** Whatever else a transport id says, it says these two in this form, as our commands take it and SPDK's. */
    private static final Pattern VFIO_USER =
            Pattern.compile("(?is)(?=.*\\btrtype[:=]VFIOUSER\\b).*\\btraddr[:=](\\S+).*");

    private static final Pattern PCIE = Pattern.compile("(?is)(?=.*\\btrtype[:=]PCIE\\b).*\\btraddr[:=](\\S+).*");

    private static final Pattern TCP = Pattern.compile("(?is)(?=.*\\btrtype[:=]TCP\\b)(?=.*\\bsubnqn[:=]\\S)(.*)");

    private static final Pattern RDMA = Pattern.compile("(?is)(?=.*\\btrtype[:=]RDMA\\b)(?=.*\\bsubnqn[:=]\\S)(.*)");

    /** Where to, for discovery too. */
    private static final Pattern RDMA_PLACE = Pattern.compile("(?is)(?=.*\\btrtype[:=]RDMA\\b).*\\btraddr[:=](\\S+).*");

    /** By which name the address of the RDMA device is told, where it is not the one that the system would take. */
    private static final String RDMA_ADDRESS = "--host-traddr";

    /** RoCEv2's port; any would do to learn which address this machine has towards another. */
    private static final int ROCE_PORT = 4791;

    /** Options that say who this host is, by the names that SPDK's commands have for them, and what they are in configuration. */
    private static final Map<String, String> HOST_OPTIONS = Map.of(
            "--hostnqn", "host.nqn",
            "--dhchap-key", "dhchap.key",
            "--dhchap-ctrlr-key", "dhchap.controller.key",
            "--psk-path", "tls.key");

    private final List<String> arguments = new ArrayList<>();

    /** Of the RDMA device; null for the one that the system would take. */
    private String rdmaAddress;

    /** Lines of the configuration of each host. */
    private final StringBuilder hostLines = new StringBuilder();

    /** @param asksItself whether the command itself is the host, and not the node: then it is told who that is */
    NamedDevices(List<String> arguments, boolean asksItself) {
        for (int i = 0; i < arguments.size(); i++) {
            var key = asksItself ? null : HOST_OPTIONS.get(arguments.get(i));
            boolean address = arguments.get(i).equals(RDMA_ADDRESS);
            if (key == null && !address) {
                this.arguments.add(arguments.get(i));
            } else if (++i == arguments.size()) {
                throw new Refusal(arguments.get(i - 1) + " has no value");
            } else if (address) {
                rdmaAddress = arguments.get(i);
            } else {
                var value = arguments.get(i);
                // The node's home is another folder than that of who wrote the path.
                var path = key.endsWith("nqn") ? value : Path.of(value).toAbsolutePath();
                hostLines.append(key).append(" = ").append(path).append('\n');
            }
        }
    }

    /** Without those that are for the node. */
    String[] arguments() {
        return arguments.toArray(String[]::new);
    }

    /** A temporary one, whose drivers look for them: by the path of their socket, on the bus, or over the network. */
    Home home(Distribution distribution) {
        var home = Home.temporary(distribution);
        try {
            var config = home.root().resolve("config");
            var sockets = named(VFIO_USER);
            for (int i = 0; i < sockets.size(); i++) {
                Files.writeString(
                        config.resolve("io.doorbell.pcie.vfiouser~named" + i + ".cfg"),
                        "path = " + sockets.get(i) + "\n");
            }
            var targets = named(TCP);
            for (int i = 0; i < targets.size(); i++) {
                Files.writeString(
                        config.resolve("io.doorbell.tcp.host~named" + i + ".cfg"),
                        "trid = " + targets.get(i) + "\n" + hostLines);
            }
            rdma(config);
            var functions = named(PCIE);
            if (!functions.isEmpty()) {
                Files.writeString(
                        config.resolve("io.doorbell.pcie.vfio.cfg"),
                        "functions = " + String.join(", ", functions) + "\n");
            }
            return home;
        } catch (IOException e) {
            home.close();
            throw new UncheckedIOException(e);
        }
    }

    /** A device of their own for what is reached by RDMA: the port is one for the whole machine and each address. */
    private void rdma(Path config) throws IOException {
        var places = named(RDMA_PLACE);
        if (places.isEmpty()) {
            return;
        }
        var address = rdmaAddress == null ? addressTowards(places.getFirst()) : rdmaAddress;
        Files.writeString(
                config.resolve("io.doorbell.rdma.soft~named.cfg"), "name = named\naddress = " + address + "\n");
        var targets = named(RDMA);
        for (int i = 0; i < targets.size(); i++) {
            Files.writeString(
                    config.resolve("io.doorbell.rdma.host~named" + i + ".cfg"),
                    "trid = " + targets.get(i) + "\n" + hostLines);
        }
    }

    /** On the loopback, where IPv4 has many, one that hardly anybody else has. */
    private static String addressTowards(String traddr) {
        InetAddress there;
        try {
            there = InetAddress.ofLiteral(traddr);
        } catch (IllegalArgumentException noAddress) {
            throw new Refusal("traddr:" + traddr + ": an IPv4 or IPv6 address is needed");
        }
        if (there.isLoopbackAddress() && there instanceof Inet4Address) {
            return loopback(ProcessHandle.current().pid());
        }
        try (var socket = new DatagramSocket()) {
            // Nothing is sent by that.
            socket.connect(there, ROCE_PORT);
            return socket.getLocalAddress().getHostAddress();
        } catch (IOException | UncheckedIOException unreachable) {
            throw new Refusal("no address of this machine reaches " + traddr + ": " + unreachable.getMessage() + "; "
                    + RDMA_ADDRESS + " ADDRESS names one");
        }
    }

    /** An address of the loopback by a number. */
    static String loopback(long number) {
        return "127." + (2 + (number >>> 14) % 250) + "." + ((number >>> 7) % 128) + "." + (2 + number % 128);
    }

    /** What is said of those of one kind of transport. */
    private List<String> named(Pattern kind) {
        return arguments.stream()
                .map(kind::matcher)
                .filter(Matcher::matches)
                .map(id -> id.group(1).strip())
                .toList();
    }
}
