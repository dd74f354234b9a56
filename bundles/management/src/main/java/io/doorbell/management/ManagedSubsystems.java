package io.doorbell.management;

import io.doorbell.configuration.ConfigurationFiles;
import io.doorbell.nvme.Nqn;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.target.AccessStates;
import io.doorbell.target.IoLimits;
import io.doorbell.target.SubsystemOperator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;

/** {@code io.doorbell:type=Subsystems}. Any thread; changes come one after another. */
final class ManagedSubsystems implements SubsystemsMXBean, AutoCloseable {
    private static final String PID = "io.doorbell.subsystem";
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

    private static final String NAMESPACES = "namespaces";
    private static final String NAMESPACE_LIMITS = "namespace.limits";
    private static final String HOST_LIMITS = "host.limits";
    private static final String HOSTS = "hosts";

    private final TargetServices services;
    private final Registration registration;

    ManagedSubsystems(TargetServices services, MBeanServer server) {
        this.services = services;
        this.registration = Registration.of(
                server,
                Registration.name("Subsystems"),
                new DescribedMBean<>(this, SubsystemsMXBean.class, new NotificationBroadcasterSupport()));
    }

    @Override
    public SortedMap<String, SubsystemRow> getSubsystems() {
        var rows = new TreeMap<String, SubsystemRow>();
        services.operators().forEach((nqn, operator) -> rows.put(nqn, row(operator)));
        return rows;
    }

    private SubsystemRow row(SubsystemOperator operator) {
        var spelled = operator.configuration();
        return new SubsystemRow(
                String.valueOf(spelled.get("nqn")),
                String.valueOf(spelled.get("serial")),
                String.valueOf(spelled.get("model")),
                services.fileOf(operator),
                list(spelled, HOSTS),
                Boolean.parseBoolean(String.valueOf(spelled.get("hosts.authenticate"))),
                list(spelled, NAMESPACES),
                list(spelled, NAMESPACE_LIMITS),
                list(spelled, HOST_LIMITS));
    }

    static List<String> list(Map<String, Object> spelled, String key) {
        return spelled.get(key) instanceof String[] several ? List.of(several) : List.of();
    }

    @Override
    public synchronized void create(String name, String nqn, String serial, String model) {
        Operation.of("create subsystem " + nqn + " as " + name, () -> {
            if (name == null || !NAME.matcher(name).matches()) {
                throw new IllegalArgumentException(
                        "name \"" + name + "\": 1 to 64 letters, digits, and behind the first . _ -");
            }
            var file = PID + "~" + name + ".cfg";
            requireNew(file, nqn);
            var entries = new LinkedHashMap<String, String>();
            entries.put("nqn", nqn);
            entries.put("serial", printable("serial", serial, 20));
            entries.put("model", printable("model", model, 40));
            services.files.set(file, entries);
            if (!TargetServices.awaitInForce(() -> services.operators().containsKey(nqn))) {
                services.files.remove(file);
                throw new IllegalStateException(
                        "the subsystem did not come up, and its file is taken away again: the log" + " says why");
            }
        });
    }

    private void requireNew(String file, String nqn) {
        Nqn.check("nqn", nqn == null ? "" : nqn);
        boolean there = services.files.files().stream()
                .anyMatch(each -> each.file().equals(file)
                        || nqn.equals(each.entries().get("nqn")) && each.file().startsWith(PID + "~"));
        if (there || services.operators().containsKey(nqn)) {
            throw new IllegalArgumentException("there is a subsystem " + nqn + ", or a file " + file + ", already");
        }
    }

    private static String printable(String what, String text, int most) {
        if (text == null
                || text.isBlank()
                || text.length() > most
                || !text.chars().allMatch(c -> c >= 32 && c < 127)) {
            throw new IllegalArgumentException(
                    what + " \"" + text + "\": 1 to " + most + " printable ASCII characters");
        }
        return text;
    }

    @Override
    public synchronized void remove(String nqn) {
        Operation.of("remove subsystem " + nqn, () -> {
            services.files.remove(services.fileOf(services.operator(nqn)));
            if (!TargetServices.awaitInForce(() -> !services.operators().containsKey(nqn))) {
                throw new IllegalStateException("its file is gone, but " + nqn + " is still ending: the log says more");
            }
        });
    }

    @Override
    public synchronized void addNamespace(String nqn, int nsid, String spec) {
        change("add namespace " + nsid + " = " + spec + " to " + nqn, nqn, NAMESPACES, operator -> {
            operator.addNamespace(nsid, NamespaceSpec.parse(spec == null ? "" : spec));
        });
    }

    @Override
    public synchronized void resizeNamespace(String nqn, int nsid, long bytes, boolean shrink) {
        change("resize namespace " + nsid + " of " + nqn + " to " + bytes, nqn, NAMESPACES, operator -> {
            if (bytes <= 0) {
                throw new IllegalArgumentException("bytes = " + bytes + ": more than 0");
            }
            operator.resizeNamespace(nsid, bytes, shrink);
        });
    }

    @Override
    public synchronized void groupNamespace(String nqn, int nsid, int group) {
        change("put namespace " + nsid + " of " + nqn + " into ANA group " + group, nqn, NAMESPACES, operator -> {
            AccessStates.check(group);
            operator.groupNamespace(nsid, group);
        });
    }

    @Override
    public synchronized void limitNamespace(String nqn, int nsid, String limits) {
        change("limit namespace " + nsid + " of " + nqn + " to " + limits, nqn, NAMESPACE_LIMITS, operator -> {
            requireNamespace(nqn, nsid);
            operator.limitNamespace(nsid, limits(limits));
        });
    }

    @Override
    public synchronized void removeNamespace(String nqn, int nsid) {
        change("remove namespace " + nsid + " of " + nqn, nqn, NAMESPACES, operator -> operator.removeNamespace(nsid));
    }

    @Override
    public synchronized void limitHost(String nqn, String hostNqn, String limits) {
        change("limit host " + hostNqn + " of " + nqn + " to " + limits, nqn, HOST_LIMITS, operator -> {
            operator.limitHost(hostNqn == null ? "" : hostNqn, limits(limits));
        });
    }

    private void requireNamespace(String nqn, int nsid) {
        var subsystem = services.subsystems().get(nqn);
        if (subsystem == null || subsystem.namespaces().stream().noneMatch(each -> each.nsid() == nsid)) {
            throw new IllegalArgumentException(nqn + " has no namespace " + nsid);
        }
    }

    private static IoLimits limits(String text) {
        return text == null || text.isBlank() ? IoLimits.NONE : IoLimits.parse(text);
    }

    /** Changes what runs, which checks it, and then the key of its file that says so. */
    private void change(String what, String nqn, String key, Consumer<SubsystemOperator> change) {
        Operation.of(what, () -> {
            var operator = services.operator(nqn);
            change.accept(operator);
            try {
                services.files.set(
                        services.fileOf(operator),
                        Map.of(key, ConfigurationFiles.list(list(operator.configuration(), key))));
            } catch (RuntimeException notKept) {
                throw new IllegalStateException(
                        "it is in force, but not written, so that the next start does not know of it: "
                                + notKept.getMessage());
            }
        });
    }

    @Override
    public synchronized void allowHost(String nqn, String hostNqn) {
        Operation.of("allow host " + hostNqn + " at " + nqn, () -> {
            Nqn.check("hostNqn", hostNqn == null ? "" : hostNqn);
            var operator = services.operator(nqn);
            var hosts = new ArrayList<>(list(operator.configuration(), HOSTS));
            if (hosts.contains(hostNqn)) {
                throw new IllegalArgumentException(hostNqn + " may connect to " + nqn + " already");
            }
            hosts.add(hostNqn);
            setHosts(operator, hosts);
        });
    }

    @Override
    public synchronized void denyHost(String nqn, String hostNqn) {
        Operation.of("deny host " + hostNqn + " at " + nqn, () -> {
            var operator = services.operator(nqn);
            var hosts = new ArrayList<>(list(operator.configuration(), HOSTS));
            if (!hosts.remove(hostNqn)) {
                throw new IllegalArgumentException(hostNqn + " is not among the hosts that are named for " + nqn + ": "
                        + (hosts.isEmpty() ? "none is, and every host may connect" : String.join(", ", hosts)));
            }
            if (hosts.isEmpty()) {
                throw new IllegalArgumentException(hostNqn + " is the last that is named for " + nqn
                        + ", and where none is named every host may connect: allow another one first");
            }
            setHosts(operator, hosts);
        });
    }

    private void setHosts(SubsystemOperator operator, List<String> hosts) {
        services.files.set(services.fileOf(operator), Map.of(HOSTS, ConfigurationFiles.list(hosts)));
        boolean inForce = TargetServices.awaitInForce(() -> {
            var now = list(operator.configuration(), HOSTS).toArray();
            var wanted = hosts.toArray();
            Arrays.sort(now);
            Arrays.sort(wanted);
            return Arrays.equals(now, wanted);
        });
        if (!inForce) {
            throw new IllegalStateException("it is written, but not in force yet: the log says why");
        }
    }

    @Override
    public void close() {
        registration.close();
    }
}
