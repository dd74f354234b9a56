package io.doorbell.subsystem;

import io.doorbell.nvme.Nqn;
import io.doorbell.target.IoLimits;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** The limits of a subsystem that are in force: who asks for one is one of those that share it. Any thread. */
final class RateLimits {
    /** As configuration spells them. {@code *} stands for every host that is not named, each for itself. */
    record Settings(SortedMap<Integer, IoLimits> namespaces, SortedMap<String, IoLimits> hosts) {
        static final Settings NONE = new Settings(new TreeMap<>(), new TreeMap<>());
        static final String OTHERS = "*";

        Settings {
            namespaces = Collections.unmodifiableSortedMap(new TreeMap<>(namespaces));
            hosts = Collections.unmodifiableSortedMap(new TreeMap<>(hosts));
        }

        /**
         * @param namespaces entries {@code nsid=limits}
         * @param hosts entries {@code hostNqn=limits}
         * @throws IllegalArgumentException which entry is wrong, and what is allowed
         */
        static Settings parse(String[] namespaces, String[] hosts) {
            var ofNamespaces = new TreeMap<Integer, IoLimits>();
            var ofHosts = new TreeMap<String, IoLimits>();
            for (String entry : namespaces) {
                if (!entry.isBlank()) {
                    String key = key("namespace.limits", entry);
                    int nsid = SubsystemSettings.nsid("namespace.limits", entry, key);
                    put(ofNamespaces, nsid, "namespace.limits", entry);
                }
            }
            if (hosts.length > HostAccess.MAX_HOSTS) {
                throw new IllegalArgumentException("host.limits: more than " + HostAccess.MAX_HOSTS + " hosts");
            }
            for (String entry : hosts) {
                if (!entry.isBlank()) {
                    put(ofHosts, host(key("host.limits", entry)), "host.limits", entry);
                }
            }
            return new Settings(ofNamespaces, ofHosts);
        }

        static String host(String nqn) {
            if (!nqn.equals(OTHERS)) {
                Nqn.check("host.limits = " + nqn, nqn);
            }
            return nqn;
        }

        private static String key(String option, String entry) {
            int equals = entry.lastIndexOf('=');
            if (equals < 0) {
                throw new IllegalArgumentException(option + " = " + entry + ": must be "
                        + (option.startsWith("host") ? "hostNqn" : "nsid") + "=iops:NUMBER;bytes:SIZE");
            }
            return entry.substring(0, equals).trim();
        }

        private static <K> void put(Map<K, IoLimits> to, K key, String option, String entry) {
            try {
                if (to.put(key, IoLimits.parse(entry.substring(entry.lastIndexOf('=') + 1))) != null) {
                    throw new IllegalArgumentException(key + " is there twice");
                }
            } catch (IllegalArgumentException wrong) {
                throw new IllegalArgumentException(option + " = " + entry + ": " + wrong.getMessage(), wrong);
            }
        }

        Settings withNamespace(int nsid, IoLimits limits) {
            return new Settings(with(namespaces, nsid, limits), hosts);
        }

        Settings withHost(String nqn, IoLimits limits) {
            return new Settings(namespaces, with(hosts, nqn, limits));
        }

        private static <K> TreeMap<K, IoLimits> with(SortedMap<K, IoLimits> map, K key, IoLimits limits) {
            var next = new TreeMap<K, IoLimits>(map);
            next.remove(key);
            if (!limits.isNone()) {
                next.put(key, limits);
            }
            return next;
        }

        Map<String, Object> spelled() {
            var spelled = new LinkedHashMap<String, Object>();
            spelled.put("namespace.limits", spelled(namespaces));
            spelled.put("host.limits", spelled(hosts));
            return spelled;
        }

        private static String[] spelled(SortedMap<?, IoLimits> limits) {
            return limits.entrySet().stream()
                    .map(each -> each.getKey() + "=" + each.getValue())
                    .toArray(String[]::new);
        }
    }

    // Guarded by this.
    private final Map<Integer, RateLimit> namespaces = new HashMap<>();
    private final Map<String, RateLimit> hosts = new HashMap<>();
    private Settings settings = Settings.NONE;

    synchronized Settings settings() {
        return settings;
    }

    /** What has the limits of before goes on with what it has taken. Returns whether something changed. */
    synchronized boolean set(Settings next) {
        if (next.equals(settings)) {
            return false;
        }
        settings = next;
        namespaces.entrySet().removeIf(each -> !each.getValue().limits().equals(next.namespaces.get(each.getKey())));
        hosts.entrySet().removeIf(each -> !each.getValue().limits().equals(ofHost(each.getKey())));
        return true;
    }

    private IoLimits ofHost(String nqn) {
        var named = settings.hosts.get(nqn);
        return named != null ? named : settings.hosts.get(Settings.OTHERS);
    }

    /** The share of a path in the limits of a namespace, null where there are none; {@code before} while they are those of before. */
    synchronized RateLimit.Share ofNamespace(int nsid, RateLimit.Share before) {
        return share(namespaces, nsid, settings.namespaces.get(nsid), before);
    }

    /** The same for a host that has a name. */
    synchronized RateLimit.Share ofHost(String nqn, RateLimit.Share before) {
        hosts.values().removeIf(limit -> limit.sharers() == 0);
        return share(hosts, nqn, nqn.isEmpty() ? null : ofHost(nqn), before);
    }

    private static <K> RateLimit.Share share(Map<K, RateLimit> live, K key, IoLimits wanted, RateLimit.Share before) {
        var limit = wanted == null ? null : live.computeIfAbsent(key, ignored -> new RateLimit(wanted));
        if (before != null) {
            if (before.limit() == limit) {
                return before;
            }
            before.leave();
        }
        return limit == null ? null : limit.join();
    }
}
