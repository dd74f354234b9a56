package io.doorbell.subsystem;

import io.doorbell.nvme.Nqn;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which hosts may connect to a subsystem, and which see which namespace; by host NQN. A host on PCI, which nobody
 * names, may connect, and sees what everybody sees.
 *
 * @param hosts who may connect; empty for everybody
 * @param namespaces by namespace identifier, who sees it; everybody sees those that are not named
 * @param authentic whether only a host may connect that has a key, with which it shows who it is
 */
record HostAccess(Set<String> hosts, Map<Integer, Set<String>> namespaces, boolean authentic) {
    static final HostAccess OPEN = new HostAccess(Set.of(), Map.of(), false);

    /** Hosts named, and hosts named for one namespace. */
    static final int MAX_HOSTS = 4096;

    HostAccess {
        hosts = Collections.unmodifiableSet(new TreeSet<>(hosts));
        namespaces = Map.copyOf(namespaces);
    }

    /**
     * @param hosts host NQNs
     * @param namespaceHosts entries {@code nsid=hostNqn}, one for each host that sees the namespace
     * @throws IllegalArgumentException which entry is wrong, and what is allowed
     */
    static HostAccess parse(String[] hosts, String[] namespaceHosts, boolean authentic) {
        if (hosts.length > MAX_HOSTS || namespaceHosts.length > MAX_HOSTS) {
            throw new IllegalArgumentException("more than " + MAX_HOSTS + " hosts");
        }
        var allowed = new TreeSet<String>();
        for (String host : named(hosts)) {
            allowed.add(checked("hosts", host.trim()));
        }
        var seenBy = new HashMap<Integer, Set<String>>();
        for (String entry : named(namespaceHosts)) {
            int equals = entry.indexOf('=');
            if (equals < 0) {
                throw new IllegalArgumentException("namespace.hosts = " + entry + ": must be nsid=hostNqn");
            }
            int nsid = SubsystemSettings.nsid(
                    "namespace.hosts", entry, entry.substring(0, equals).trim());
            seenBy.computeIfAbsent(nsid, ignored -> new TreeSet<>())
                    .add(checked("namespace.hosts", entry.substring(equals + 1).trim()));
        }
        return new HostAccess(allowed, seenBy, authentic);
    }

    /** An empty line of configuration is one empty word. */
    private static List<String> named(String[] words) {
        return Arrays.stream(words).filter(word -> !word.isBlank()).toList();
    }

    private static String checked(String key, String nqn) {
        Nqn.check(key + " = " + nqn, nqn);
        return nqn;
    }

    /** As configuration spells it. */
    Map<String, Object> spelled() {
        var seen = new ArrayList<String>();
        new TreeMap<>(namespaces).forEach((nsid, seenBy) -> seenBy.forEach(host -> seen.add(nsid + "=" + host)));
        return Map.of(
                "hosts",
                hosts.toArray(String[]::new),
                "hosts.authenticate",
                authentic,
                "namespace.hosts",
                seen.toArray(String[]::new));
    }

    boolean allows(String hostNqn) {
        return hosts.isEmpty() || hosts.contains(hostNqn);
    }

    boolean shows(int nsid, String hostNqn) {
        var seenBy = namespaces.get(nsid);
        return seenBy == null || seenBy.contains(hostNqn);
    }
}
