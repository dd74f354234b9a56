package io.doorbell.runtime.remote;

import picocli.CommandLine.Command;

/** The NVMe controllers that drivers of the node have brought up. */
@Command(name = "controllers", description = "NVMe controllers that the node drives, with wear and temperature.")
public final class ControllersCommand extends RemoteCommand {
    @Override
    int ask(RunningNode node) {
        var controllers = node.each("Controller");
        if (json()) {
            printJson(controllers.values().stream().map(Row::fields).toList());
            return 0;
        }
        var table = new Table(
                "CONTROLLER",
                "STATE",
                "MODEL",
                "SERIAL",
                "FIRMWARE",
                ">NAMESPACES",
                ">SIZE",
                ">QUEUE PAIRS",
                ">TEMP",
                ">WORN",
                ">SPARE",
                "WARNING");
        controllers.values().forEach(controller -> {
            var health = controller.row("Health");
            var known = health.number("readAtMillis") > 0;
            var namespaces = controller.rows("Namespaces");
            table.row(
                    controller.text("TransportId"),
                    controller.text("State"),
                    controller.text("Model").strip(),
                    controller.text("Serial").strip(),
                    controller.text("Firmware").strip(),
                    namespaces.size(),
                    Figures.bytes(namespaces.stream()
                            .mapToDouble(each -> (double) each.number("blockCount") * each.number("blockBytes"))
                            .sum()),
                    controller.number("IoQueuePairs"),
                    known ? health.number("temperatureCelsius") + " C" : "",
                    known ? health.number("percentageUsed") + "%" : "",
                    known ? health.number("availableSparePercent") + "%" : "",
                    known && health.number("criticalWarning") != 0
                            ? "0x" + Long.toHexString(health.number("criticalWarning"))
                            : "");
        });
        print(table, "no controllers");
        return 0;
    }
}
