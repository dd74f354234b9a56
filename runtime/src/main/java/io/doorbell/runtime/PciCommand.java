package io.doorbell.runtime;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.pcibus.BlockUses;
import io.doorbell.pcibus.PciBinding;
import io.doorbell.pcibus.PciBus;
import io.doorbell.pcibus.PciBusException;
import io.doorbell.pcibus.PciDevice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** NVMe controllers of this machine and the drivers they are bound to. Works on sysfs alone: no node runs for it. */
@Command(
        name = "pci",
        description = "NVMe controllers on the bus: which there are, and who drives them.",
        mixinStandardHelpOptions = true,
        subcommands = {PciCommand.ListCommand.class, PciCommand.BindCommand.class, PciCommand.UnbindCommand.class})
final class PciCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "no command: list, bind or unbind");
    }

    @Command(name = "list", description = "One line for each NVMe controller.", mixinStandardHelpOptions = true)
    static final class ListCommand implements Callable<Integer> {
        private static final String LINE = "%-12s  %-9s  %-10s  %-5s  %-4s  %-16s  %s%n";

        @Option(names = "--all", description = "Every PCI function, not only NVMe controllers.")
        private boolean all;

        @Option(names = "--json", description = "As JSON.")
        private boolean json;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            var uses = BlockUses.ofThisMachine();
            var devices = uses.bus().devices().stream()
                    .filter(device -> all || device.isNvme())
                    .toList();
            if (json) {
                printJson(devices, uses);
            } else if (devices.isEmpty()) {
                spec.commandLine().getOut().println("no NVMe controller; --all shows every PCI function");
            } else {
                print(devices, uses);
            }
            return Main.DONE;
        }

        private void print(List<PciDevice> devices, BlockUses uses) {
            var out = spec.commandLine().getOut();
            out.printf(LINE, "address", "ids", "driver", "group", "node", "disks", "in use");
            for (var device : devices) {
                out.printf(
                        LINE,
                        device.address(),
                        device.ids(),
                        device.driver().isEmpty() ? "-" : device.driver(),
                        device.iommuGroup().isPresent() ? device.iommuGroup().getAsInt() : "-",
                        device.numaNode() < 0 ? "-" : device.numaNode(),
                        device.blockDevices().isEmpty() ? "-" : String.join(",", device.blockDevices()),
                        String.join("; ", uses.of(device)));
            }
            out.flush();
        }

        private void printJson(List<PciDevice> devices, BlockUses uses) {
            var rows = devices.stream()
                    .map(device -> {
                        var row = new LinkedHashMap<String, Object>();
                        row.put("address", device.address());
                        row.put("vendor", device.vendorId());
                        row.put("device", device.deviceId());
                        row.put("class", device.classCode());
                        row.put("driver", device.driver());
                        row.put(
                                "iommuGroup",
                                device.iommuGroup().isPresent()
                                        ? device.iommuGroup().getAsInt()
                                        : null);
                        row.put("numaNode", device.numaNode() < 0 ? null : device.numaNode());
                        row.put("blockDevices", device.blockDevices());
                        row.put("inUse", uses.of(device));
                        return row;
                    })
                    .toList();
            try {
                spec.commandLine()
                        .getOut()
                        .println(JSON.std
                                .with(JSON.Feature.PRETTY_PRINT_OUTPUT, JSON.Feature.WRITE_NULL_PROPERTIES)
                                .asString(rows));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** What bind and unbind share. */
    abstract static class OfOne implements Callable<Integer> {
        @Parameters(paramLabel = "ADDRESS", description = "Such as 0000:01:00.0.")
        private String address;

        @Spec
        private CommandSpec spec;

        abstract void apply(PciBinding binding, String canonicalAddress);

        @Override
        public Integer call() {
            String canonical;
            try {
                canonical = PciBus.canonicalAddress(address);
            } catch (IllegalArgumentException wrong) {
                throw new ParameterException(spec.commandLine(), wrong.getMessage(), wrong);
            }
            var out = spec.commandLine().getOut();
            try {
                apply(
                        new PciBinding(BlockUses.ofThisMachine(), line -> {
                            out.println(line);
                            out.flush();
                        }),
                        canonical);
                return Main.DONE;
            } catch (PciBusException refused) {
                throw new Refusal(refused.getMessage());
            }
        }
    }

    @Command(
            name = "bind",
            description = "Hands a controller to vfio-pci, for a node to drive. Refused while a disk of it is in use.",
            mixinStandardHelpOptions = true)
    static final class BindCommand extends OfOne {
        @Override
        void apply(PciBinding binding, String canonicalAddress) {
            binding.bind(canonicalAddress);
        }
    }

    @Command(
            name = "unbind",
            description =
                    "Gives a controller back to the kernel's driver. Waits until a node that drives it has let go.",
            mixinStandardHelpOptions = true)
    static final class UnbindCommand extends OfOne {
        @Override
        void apply(PciBinding binding, String canonicalAddress) {
            binding.unbind(canonicalAddress);
        }
    }
}
