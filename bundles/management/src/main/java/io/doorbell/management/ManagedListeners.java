package io.doorbell.management;

import io.doorbell.configuration.ConfigurationFiles;
import io.doorbell.target.AccessStates;
import io.doorbell.target.ListenerOperator;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;

/** {@code io.doorbell:type=Listeners}. Any thread; changes come one after another. */
final class ManagedListeners implements ListenersMXBean, AutoCloseable {
    private static final Map<String, String> PIDS =
            new TreeMap<>(Map.of("tcp", "io.doorbell.tcp.target", "rdma", "io.doorbell.rdma.target"));
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,31}");

    private final TargetServices services;
    private final Registration registration;

    ManagedListeners(TargetServices services, MBeanServer server) {
        this.services = services;
        this.registration = Registration.of(
                server,
                Registration.name("Listeners"),
                new DescribedMBean<>(this, ListenersMXBean.class, new NotificationBroadcasterSupport()));
    }

    @Override
    public SortedMap<String, ListenerRow> getListeners() {
        var rows = new TreeMap<String, ListenerRow>();
        services.listeners()
                .forEach((name, listener) ->
                        TargetServices.ask(() -> row(listener)).ifPresent(row -> rows.put(name, row)));
        return rows;
    }

    private ListenerRow row(ListenerOperator listener) {
        var status = listener.status();
        return new ListenerRow(
                listener.name(),
                status.at().trtype().name().toLowerCase(Locale.ROOT),
                status.at().traddr(),
                Integer.parseInt(status.at().trsvcid()),
                status.tls(),
                status.listening(),
                status.problem(),
                status.connections(),
                status.maxConnections(),
                List.of(listener.accessStates().spelled()),
                services.fileOf(listener));
    }

    @Override
    public synchronized void setAccessState(String name, int group, String state) {
        Operation.of("set ANA group " + group + " of listener " + name + " to " + state, () -> {
            var listener = listener(name);
            var wanted = AccessStates.parse(new String[] {group + "=" + state});
            var before = listener.accessStates();
            listener.accessStates(before.with(group, wanted.of(group)));
            try {
                services.files.set(
                        services.fileOf(listener),
                        Map.of(
                                "ana",
                                ConfigurationFiles.list(
                                        List.of(listener.accessStates().spelled()))));
            } catch (RuntimeException notKept) {
                throw new IllegalStateException(
                        "it is in force, but not written, so that the next start does not know of it: "
                                + notKept.getMessage());
            }
        });
    }

    private ListenerOperator listener(String name) {
        return Operation.one(services.listeners(), name, "listener");
    }

    @Override
    public synchronized void create(String transport, String name, String address, int port) {
        Operation.of("create listener " + name + " for " + transport + " at " + address + " port " + port, () -> {
            var pid = Operation.one(PIDS, transport, "transport");
            if (name == null || !NAME.matcher(name).matches()) {
                throw new IllegalArgumentException(
                        "name \"" + name + "\": 1 to 32 letters, digits, and behind the first . _ -");
            }
            if (port < 1 || port > 65_535) {
                throw new IllegalArgumentException("port = " + port + ": 1 to 65535");
            }
            var file = pid + "~" + name + ".cfg";
            boolean there =
                    services.files.files().stream().anyMatch(each -> each.file().equals(file));
            if (there || services.listeners().containsKey(name)) {
                throw new IllegalArgumentException("there is a listener " + name + ", or a file " + file + ", already");
            }
            var entries = new LinkedHashMap<String, String>();
            entries.put("name", name);
            entries.put("address", literal(address));
            entries.put("port", Integer.toString(port));
            services.files.set(file, entries);
            if (!TargetServices.awaitInForce(() -> services.listeners().containsKey(name))) {
                services.files.remove(file);
                throw new IllegalStateException(
                        "the listener did not come up, and its file is taken away again: the log" + " says why");
            }
        });
    }

    private static String literal(String address) {
        try {
            return InetAddress.ofLiteral(address == null ? "" : address).getHostAddress();
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException("address = \"" + address + "\": an IPv4 or IPv6 address, no name");
        }
    }

    @Override
    public synchronized void remove(String name) {
        Operation.of("remove listener " + name, () -> {
            services.files.remove(services.fileOf(listener(name)));
            if (!TargetServices.awaitInForce(() -> !services.listeners().containsKey(name))) {
                throw new IllegalStateException(
                        "its file is gone, but " + name + " is still ending: the log says more");
            }
        });
    }

    @Override
    public void close() {
        registration.close();
    }
}
