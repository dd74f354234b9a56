package io.doorbell.perf;

import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** Reads words into {@link PerfFlags}. */
final class PerfCommandLine {
    private PerfCommandLine() {}

    /** @throws UsageException for unknown, repeated and missing flags */
    static PerfFlags parse(List<String> words) {
        var flags = new PerfFlags();
        try {
            commandLine(flags).parseArgs(words.toArray(String[]::new));
        } catch (ParameterException e) {
            throw new UsageException(e.getMessage());
        }
        return flags;
    }

    static void printHelp(PrintWriter out) {
        commandLine(new PerfFlags()).usage(out);
    }

    private static CommandLine commandLine(PerfFlags flags) {
        // Files of arguments are not ours to read when a flag comes over the network.
        return new CommandLine(flags).setExpandAtFiles(false).setUsageHelpWidth(110);
    }
}
