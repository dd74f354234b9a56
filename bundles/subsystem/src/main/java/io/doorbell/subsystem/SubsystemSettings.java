package io.doorbell.subsystem;

import io.doorbell.storage.NamespaceSpec;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A subsystem as configuration spells it.
 *
 * @param namespaces by namespace identifier
 * @param options of those namespaces that have some
 * @param access which hosts may connect, and see what
 * @param limits of hosts and namespaces
 * @param creatableBytes what hosts may create by Namespace Management, in memory
 */
record SubsystemSettings(
        String nqn,
        String serial,
        String model,
        SortedMap<Integer, NamespaceSpec> namespaces,
        SortedMap<Integer, NamespaceOptions> options,
        HostAccess access,
        RateLimits.Settings limits,
        long creatableBytes) {
    private static final String FORM =
            "nsid=kind:size:format[:path][;zoned=zoneSize][;shrink][;ana=group] or nsid=nvme:transportId[;ana=group],"
                    + " such as 1=file:1GiB:4096:var/nvme0n1.img, 2=memory:256MiB:4096;zoned=16MiB"
                    + " or 3=nvme:trtype:PCIE traddr:0000:01:00.0 ns:1";

    SubsystemSettings {
        NvmSubsystem.checkIdentity(nqn, serial, model);
        namespaces = Collections.unmodifiableSortedMap(new TreeMap<>(namespaces));
        options = Collections.unmodifiableSortedMap(new TreeMap<>(options));
    }

    /** For every host. */
    static SubsystemSettings parse(String nqn, String serial, String model, String[] entries, long creatableMib) {
        return parse(nqn, serial, model, entries, HostAccess.OPEN, RateLimits.Settings.NONE, creatableMib);
    }

    /**
     * Reads entries of the form {@code nsid=kind:size:format[:path]}.
     *
     * @throws IllegalArgumentException which entry is wrong, and what is allowed
     */
    static SubsystemSettings parse(
            String nqn,
            String serial,
            String model,
            String[] entries,
            HostAccess access,
            RateLimits.Settings limits,
            long creatableMib) {
        var namespaces = new TreeMap<Integer, NamespaceSpec>();
        var options = new TreeMap<Integer, NamespaceOptions>();
        for (String entry : entries) {
            int equals = entry.indexOf('=');
            if (equals < 0) {
                throw new IllegalArgumentException("namespaces = " + entry + ": must be " + FORM);
            }
            int nsid = nsid("namespaces", entry, entry.substring(0, equals).trim());
            NamespaceSpec spec;
            try {
                int semicolon = entry.indexOf(';');
                spec = NamespaceSpec.parse(entry.substring(equals + 1, semicolon < 0 ? entry.length() : semicolon));
                if (semicolon >= 0) {
                    options.put(nsid, NamespaceOptions.parse(entry.substring(semicolon + 1)));
                    requirePlain(spec, options.get(nsid));
                }
            } catch (IllegalArgumentException wrong) {
                throw new IllegalArgumentException("namespaces = " + entry + ": " + wrong.getMessage(), wrong);
            }
            if (namespaces.putIfAbsent(nsid, spec) != null) {
                throw new IllegalArgumentException(
                        "namespaces = " + entry + ": namespace id " + nsid + " is there twice");
            }
        }
        return new SubsystemSettings(nqn, serial, model, namespaces, options, access, limits, creatableMib << 20);
    }

    private static void requirePlain(NamespaceSpec spec, NamespaceOptions options) {
        if (spec.isFound() && (options.zones() != null || options.shrink())) {
            throw new IllegalArgumentException("a namespace on a controller has the size and the zones it has there");
        }
        if (options.zones() != null && spec.format().metadataBytes() != 0) {
            throw new IllegalArgumentException(
                    "zoned namespaces have no metadata, and this one has blocks of " + spec.format());
        }
    }

    static int nsid(String key, String entry, String text) {
        try {
            int nsid = Integer.parseInt(text);
            if (nsid >= 1 && nsid <= NvmSubsystem.MAX_NSID) {
                return nsid;
            }
        } catch (NumberFormatException notANumber) {
            // Said below.
        }
        throw new IllegalArgumentException(
                key + " = " + entry + ": namespace id \"" + text + "\", must be from 1 to " + NvmSubsystem.MAX_NSID);
    }

    NamespaceOptions options(int nsid) {
        return options.getOrDefault(nsid, NamespaceOptions.NONE);
    }

    /** With a namespace as it is to be from now on; with {@code null} without it. */
    SubsystemSettings with(int nsid, NamespaceSpec spec, NamespaceOptions as) {
        var next = new TreeMap<>(namespaces);
        var nextOptions = new TreeMap<>(options);
        next.remove(nsid);
        nextOptions.remove(nsid);
        if (spec != null) {
            next.put(nsid, spec);
            nextOptions.put(nsid, as);
        }
        return new SubsystemSettings(nqn, serial, model, next, nextOptions, access, limits, creatableBytes);
    }

    SubsystemSettings with(RateLimits.Settings others) {
        return new SubsystemSettings(nqn, serial, model, namespaces, options, access, others, creatableBytes);
    }

    /** As configuration spells it. */
    Map<String, Object> spelled() {
        var spelled = new LinkedHashMap<String, Object>();
        spelled.put("nqn", nqn);
        spelled.put("serial", serial);
        spelled.put("model", model);
        spelled.put(
                "namespaces",
                namespaces.entrySet().stream()
                        .map(each -> each.getKey() + "=" + each.getValue() + options(each.getKey()))
                        .toArray(String[]::new));
        spelled.put("creatable.mib", creatableBytes >> 20);
        spelled.putAll(access.spelled());
        spelled.putAll(limits.spelled());
        return spelled;
    }

    boolean isSameSubsystem(SubsystemSettings other) {
        return nqn.equals(other.nqn) && serial.equals(other.serial) && model.equals(other.model);
    }
}
