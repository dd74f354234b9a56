package io.doorbell.nvme;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Where a controller is, in the form SPDK made common: {@code trtype:TCP traddr:192.0.2.7 trsvcid:4420
 * subnqn:nqn.2024-01.io.example:disk ns:1}. Fields are named as in NVMe Base 2.1 §5.1.12.3.1 "Discovery Log Page".
 *
 * <p>Immutable and a good key: PCI addresses and letter case are normalised when it is made, so ids that name the same
 * place in the same words are equal. {@link #toString} prints what {@link #parse} reads.
 *
 * @param traddr PCIE: {@code dddd:bb:dd.f}; EMULATED: the controller's name; VFIOUSER: the absolute path of the socket
 *     directory; RDMA and TCP: an IPv4 or IPv6 address, not a host name
 * @param trsvcid RDMA and TCP: the port, 4420 when none was given; else empty
 * @param subnqn name of the subsystem, or empty
 * @param ns namespace identifier, or 0 when the whole controller is meant
 */
public record TransportId(Type trtype, String traddr, String trsvcid, String subnqn, int ns) {
    /** What carries the commands. */
    public enum Type {
        /** A PCI function bound to vfio. */
        PCIE,
        /** The emulator's PCI face in this process. */
        EMULATED,
        /** A PCI function emulated by another process. */
        VFIOUSER,
        RDMA,
        TCP;

        /** Whether commands travel as capsules, to an address and a port. */
        public boolean isFabric() {
            return this == RDMA || this == TCP;
        }
    }

    /** Address family of {@code traddr}. */
    public enum AddressFamily {
        /** Not a network address. */
        NONE(""),
        IPV4("IPv4"),
        IPV6("IPv6");

        private final String text;

        AddressFamily(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** Registered for NVMe over RDMA and TCP. */
    public static final String DEFAULT_TRSVCID = "4420";

    private static final List<String> KEYS = List.of("trtype", "traddr", "adrfam", "trsvcid", "subnqn", "ns");
    private static final Pattern KEY_AND_VALUE = Pattern.compile("([A-Za-z]+)[:=](.+)");
    private static final Pattern WORD = Pattern.compile("\\S+");
    private static final Pattern PCI_ADDRESS =
            Pattern.compile("(?:([0-9a-fA-F]{1,4}):)?([0-9a-fA-F]{1,2}):([0-9a-fA-F]{1,2})\\.([0-7])");
    private static final int MAX_PCI_DEVICE = 0x1F;
    private static final Pattern EMULATED_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");
    private static final int MAX_PORT = 65_535;

    /** FFFFFFFFh means all namespaces, FFFFFFFEh is the last that can name one. */
    private static final long MAX_NSID = 0xFFFF_FFFEL;

    /** Checks and normalises every part. */
    public TransportId {
        Objects.requireNonNull(trtype, "trtype");
        traddr = checkedAddress(trtype, Objects.requireNonNull(traddr, "traddr"));
        trsvcid = checkedService(trtype, Objects.requireNonNull(trsvcid, "trsvcid"));
        subnqn = checkedNqn(Objects.requireNonNull(subnqn, "subnqn"));
        if (ns == -1) {
            throw new IllegalArgumentException("ns: FFFFFFFFh means all namespaces; name one, or leave ns out");
        }
    }

    /** The controller of this type at this address, with nothing else said. */
    public static TransportId of(Type trtype, String traddr) {
        return new TransportId(trtype, traddr, "", "", 0);
    }

    public static TransportId emulated(String name) {
        return of(Type.EMULATED, name);
    }

    public static TransportId pcie(String pciAddress) {
        return of(Type.PCIE, pciAddress);
    }

    /**
     * Reads words {@code key:value} or {@code key=value}, in any order, keys and types in any letter case.
     *
     * @throws IllegalArgumentException naming the text, the part that is wrong and what is allowed
     */
    public static TransportId parse(String text) {
        try {
            return parsed(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("transport id \"" + text + "\": " + e.getMessage(), e);
        }
    }

    private static TransportId parsed(String text) {
        var values = new HashMap<String, String>();
        var words = WORD.matcher(text);
        while (words.find()) {
            var place = "\"" + words.group() + "\" at character " + (words.start() + 1);
            var word = KEY_AND_VALUE.matcher(words.group());
            if (!word.matches()) {
                throw new IllegalArgumentException(
                        place + " is not key:value; allowed keys: " + String.join(", ", KEYS));
            }
            var key = word.group(1).toLowerCase(Locale.ROOT);
            if (!KEYS.contains(key)) {
                throw new IllegalArgumentException(
                        "unknown key in " + place + "; allowed keys: " + String.join(", ", KEYS));
            }
            if (values.put(key, word.group(2)) != null) {
                throw new IllegalArgumentException(key + " given twice, again in " + place);
            }
        }

        var id = new TransportId(
                parsedType(required(values, "trtype")),
                required(values, "traddr"),
                values.getOrDefault("trsvcid", ""),
                values.getOrDefault("subnqn", ""),
                parsedNamespace(values.getOrDefault("ns", "")));
        checkFamily(id, values.get("adrfam"));
        return id;
    }

    /** Derived from the address. */
    public AddressFamily adrfam() {
        if (!trtype.isFabric()) {
            return AddressFamily.NONE;
        }
        return traddr.indexOf(':') < 0 ? AddressFamily.IPV4 : AddressFamily.IPV6;
    }

    /** Port as a number; only on a fabric. */
    public int port() {
        if (!trtype.isFabric()) {
            throw new IllegalStateException(this + " has no port");
        }
        return Integer.parseInt(trsvcid);
    }

    public boolean hasNamespace() {
        return ns != 0;
    }

    /** The same controller, with no namespace named: what controllers are looked up by. */
    public TransportId withoutNamespace() {
        return withNamespace(0);
    }

    public TransportId withNamespace(int nsid) {
        return nsid == ns ? this : new TransportId(trtype, traddr, trsvcid, subnqn, nsid);
    }

    public TransportId withSubnqn(String nqn) {
        return new TransportId(trtype, traddr, trsvcid, nqn, ns);
    }

    @Override
    public String toString() {
        return "trtype:" + trtype
                + (trtype.isFabric() ? " adrfam:" + adrfam() : "")
                + " traddr:" + traddr
                + (trsvcid.isEmpty() ? "" : " trsvcid:" + trsvcid)
                + (subnqn.isEmpty() ? "" : " subnqn:" + subnqn)
                + (hasNamespace() ? " ns:" + Integer.toUnsignedString(ns) : "");
    }

    private static String required(Map<String, String> values, String key) {
        var value = values.get(key);
        if (value == null) {
            throw new IllegalArgumentException(
                    key + " is missing; needed: trtype and traddr, allowed keys: " + String.join(", ", KEYS));
        }
        return value;
    }

    private static Type parsedType(String text) {
        for (var type : Type.values()) {
            if (type.name().equalsIgnoreCase(text)) {
                return type;
            }
        }
        throw new IllegalArgumentException("trtype \"" + text + "\" is none of "
                + Arrays.stream(Type.values()).map(Type::name).collect(Collectors.joining(", ")));
    }

    private static int parsedNamespace(String text) {
        if (text.isEmpty()) {
            return 0;
        }
        try {
            long ns = Long.parseLong(text);
            if (ns >= 1 && ns <= MAX_NSID) {
                return (int) ns;
            }
        } catch (NumberFormatException e) {
            // Reported below, together with numbers out of range.
        }
        throw new IllegalArgumentException("ns \"" + text + "\" is not a number from 1 to " + MAX_NSID);
    }

    private static void checkFamily(TransportId id, String text) {
        if (text == null) {
            return;
        }
        if (!id.trtype.isFabric()) {
            throw new IllegalArgumentException("adrfam is only for RDMA and TCP, not for " + id.trtype);
        }
        if (!text.equalsIgnoreCase("IPv4") && !text.equalsIgnoreCase("IPv6")) {
            throw new IllegalArgumentException("adrfam \"" + text + "\" is none of IPv4, IPv6");
        }
        if (!text.equalsIgnoreCase(id.adrfam().toString())) {
            throw new IllegalArgumentException("adrfam " + text + " does not fit traddr " + id.traddr);
        }
    }

    private static String checkedAddress(Type trtype, String traddr) {
        return switch (trtype) {
            case PCIE -> checkedPciAddress(traddr);
            case EMULATED -> {
                if (!EMULATED_NAME.matcher(traddr).matches()) {
                    throw new IllegalArgumentException("traddr \"" + traddr + "\" is no name of an emulated controller:"
                            + " 1 to 64 letters, digits, '.', '_' and '-', a letter or digit first");
                }
                yield traddr;
            }
            case VFIOUSER -> {
                if (!traddr.startsWith("/") || !WORD.matcher(traddr).matches()) {
                    throw new IllegalArgumentException(
                            "traddr \"" + traddr + "\" is not the absolute path of a vfio-user socket directory");
                }
                yield traddr;
            }
            case RDMA, TCP -> checkedIpAddress(traddr);
        };
    }

    private static String checkedPciAddress(String traddr) {
        var parts = PCI_ADDRESS.matcher(traddr);
        if (parts.matches()) {
            int domain = parts.group(1) == null ? 0 : Integer.parseInt(parts.group(1), 16);
            int bus = Integer.parseInt(parts.group(2), 16);
            int device = Integer.parseInt(parts.group(3), 16);
            if (device <= MAX_PCI_DEVICE) {
                return String.format("%04x:%02x:%02x.%s", domain, bus, device, parts.group(4));
            }
        }
        throw new IllegalArgumentException(
                "traddr \"" + traddr + "\" is no PCI address: dddd:bb:dd.f in hex, as lspci -D prints it");
    }

    private static String checkedIpAddress(String traddr) {
        try {
            // Literals only: a name would have to be resolved, and could mean another place tomorrow.
            if (traddr.indexOf(':') >= 0) {
                Inet6Address.ofLiteral(traddr);
                return traddr.toLowerCase(Locale.ROOT);
            }
            if (IPV4.matcher(traddr).matches()) {
                return Inet4Address.ofLiteral(traddr).getHostAddress();
            }
        } catch (IllegalArgumentException e) {
            // Reported below, together with what is no address at first sight.
        }
        throw new IllegalArgumentException("traddr \"" + traddr + "\" is no IPv4 or IPv6 address");
    }

    private static String checkedService(Type trtype, String trsvcid) {
        if (!trtype.isFabric()) {
            if (!trsvcid.isEmpty()) {
                throw new IllegalArgumentException("trsvcid is only for RDMA and TCP, not for " + trtype);
            }
            return trsvcid;
        }
        if (trsvcid.isEmpty()) {
            return DEFAULT_TRSVCID;
        }
        try {
            int port = Integer.parseInt(trsvcid);
            if (port >= 1 && port <= MAX_PORT) {
                return Integer.toString(port);
            }
        } catch (NumberFormatException e) {
            // Reported below, together with numbers out of range.
        }
        throw new IllegalArgumentException("trsvcid \"" + trsvcid + "\" is not a port from 1 to " + MAX_PORT);
    }

    private static String checkedNqn(String subnqn) {
        if (!subnqn.isEmpty()) {
            Nqn.check("subnqn", subnqn);
        }
        return subnqn;
    }
}
