package io.doorbell.runtime.remote;

import java.util.LinkedHashMap;
import java.util.List;
import picocli.CommandLine.Command;

/** What an operator asks first. */
@Command(
        name = "status",
        description = "Whether the node is well, and what it serves. Exit code 1 where something is critical.")
public final class StatusCommand extends RemoteCommand {
    private static final String OK = "OK";
    private static final String WARN = "WARN";

    @Override
    int ask(RunningNode node) {
        var about = node.read("Node");
        var health = node.read("Health");
        var controllers = List.copyOf(node.each("Controller").values());
        var bundles = Row.of(node.read("Bundles", "Bundles"));
        var namespaces = Row.of(node.read("Namespaces", "Namespaces"));
        var hosts = Row.of(node.read("Hosts", "Hosts"));
        var counts = new LinkedHashMap<String, Object>();
        counts.put("controllers", controllers.size());
        counts.put("leases", node.read("Leases", "LeaseCount"));
        counts.put("subsystems", Row.of(node.read("Subsystems", "Subsystems")).size());
        counts.put("namespaces", namespaces.size());
        counts.put("hosts", hosts.size());
        counts.put("connections", node.read("Connections", "ConnectionCount"));
        counts.put(
                "plugIns", bundles.stream().filter(each -> each.flag("plugIn")).count());
        var well = health.flag("Live")
                && health.flag("Ready")
                && health.rows("Alarms").stream().allMatch(alarm -> isMild(alarm.text("status")));
        if (json()) {
            var all = new LinkedHashMap<String, Object>();
            all.put("well", well);
            all.put("url", node.url());
            all.put("node", about.fields());
            all.put("health", health.fields());
            all.put("counts", counts);
            printJson(all);
        } else {
            print(node, about, health, counts, well);
        }
        return well ? 0 : 1;
    }

    private static boolean isMild(String status) {
        return status.equals(OK) || status.equals(WARN);
    }

    private void print(RunningNode node, Row about, Row health, LinkedHashMap<String, Object> counts, boolean well) {
        var alarms = health.rows("Alarms");
        out().println(well ? alarms.isEmpty() ? "well" : "well, with warnings" : "NOT WELL");
        out().printf("  %-12s %s%n", "home", about.text("Home"));
        out().printf("  %-12s %s%n", "page", node.url() + "/");
        out().printf(
                        "  %-12s doorbell %s, pid %s, up %s, Java %s%n",
                        "node",
                        about.text("Version"),
                        about.text("Pid"),
                        Figures.nanos(about.number("UptimeMillis") * 1_000_000),
                        about.text("JavaVersion"));
        out().printf(
                        "  %-12s heap %s of %s; huge pages %d of %d free%n",
                        "memory",
                        Figures.bytes(about.number("HeapUsedBytes")),
                        Figures.bytes(about.number("HeapMaxBytes")),
                        about.number("HugePagesFree"),
                        about.number("HugePagesTotal"));
        counts.forEach(
                (name, count) -> out().printf("  %-12s %s%n", name.equals("plugIns") ? "plug-ins" : name, count));
        // No table: what is said is long, and each of it is for somebody to act upon.
        for (var alarm : alarms) {
            out().printf(
                            "%n%s %s, since %s%n",
                            alarm.text("status"),
                            Table.printable(alarm.text("name")),
                            Figures.time(alarm.number("sinceMillis")));
            for (var what : alarm.texts("problems")) {
                out().println("  " + Table.printable(what));
            }
        }
    }
}
