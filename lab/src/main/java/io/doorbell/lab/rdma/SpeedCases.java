package io.doorbell.lab.rdma;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.kernel.FioLoad;
import io.doorbell.lab.kernel.KernelHost;
import io.doorbell.lab.kernel.KernelTarget;
import io.doorbell.lab.kernel.LabTarget;
import io.doorbell.rdmanic.Engine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Our target and the kernel's in turn, over and over: what the machine does beside it concerns both alike. */
final class SpeedCases {
    private static final List<FioLoad> LOADS = List.of(
            new FioLoad("randread", 4, 1),
            new FioLoad("randwrite", 4, 1),
            new FioLoad("randread", 4, 8),
            new FioLoad("randwrite", 4, 8),
            new FioLoad("randread", 128, 4),
            new FioLoad("randwrite", 128, 4));

    private static final int ROUNDS = 3;

    /** What nothing is compiled for yet may answer later than the host waits for an answer to Connect. */
    private static final int COLD_CONNECTS = 5;

    /** Of each load in each round, when nobody says otherwise. */
    private static final int SECONDS = 5;

    private static final Duration BOUND = Duration.ofMinutes(20);

    /** A guest on a busy machine may stand still for longer than the 5 s after which a host is gone by right. */
    private static final String PATIENT = ",keep_alive_tmo=30";

    private SpeedCases() {}

    static List<Case> inSoftware() {
        return List.of(new Case("ours-in-software-and-the-kernels", BOUND, guest -> {
            try (var ours = new Target();
                    var _ = kernels(guest, SpeedLab.FAR_ADDRESS)) {
                long before = packetsAt(SpeedLab.FAR);
                compare(guest, ours(ours), kernels(SpeedLab.FAR_ADDRESS, SpeedLab.NEAR_ADDRESS));
                // Its I/Os were thousands; had they gone the short way, this would be no comparison.
                assertThat(packetsAt(SpeedLab.FAR) - before)
                        .as("packets that came to nvmet")
                        .isGreaterThan(1000);
            }
        }));
    }

    static List<Case> onNic() {
        return List.of(new Case("ours-on-the-nic-and-the-kernels", BOUND, guest -> {
            try (var ours = Nic.target(Engine.PANAMA, NicLab.ADDRESS);
                    var _ = kernels(guest, NicLab.ADDRESS)) {
                compare(guest, ours(ours), kernels(NicLab.ADDRESS, NicLab.ADDRESS));
            }
        }));
    }

    /** That a network device of the first network namespace has received. */
    private static long packetsAt(String device) throws IOException {
        return Files.readAllLines(Path.of("/proc/1/net/dev")).stream()
                .map(line -> line.strip().split("[: ]+"))
                .filter(columns -> columns[0].equals(device))
                .mapToLong(columns -> Long.parseLong(columns[2]))
                .findFirst()
                .orElseThrow();
    }

    /**
     * A target.
     *
     * @param rounds of each, what it did of each load
     * @param losses in which of them its connection was lost. fio waits then until the host has connected again
     */
    private record Contender(
            String name, String where, String nqn, List<List<FioLoad.Done>> rounds, List<String> losses) {
        Contender(String name, String where, String nqn) {
            this(name, where, nqn, new ArrayList<>(), new ArrayList<>());
        }

        FioLoad.Done done(int round, int load) {
            return rounds.get(round).get(load);
        }
    }

    private static Contender ours(Target target) {
        return new Contender("ours", target.where(), LabTarget.NQN);
    }

    private static KernelTarget kernels(Guest guest, String address) throws Exception {
        var target = new KernelTarget(guest, "rdma", address);
        try {
            target.addMemoryNamespace(1, LabTarget.NAMESPACE_BYTES);
            return target;
        } catch (Exception failed) {
            target.close();
            throw failed;
        }
    }

    private static Contender kernels(String address, String hostAddress) {
        var where =
                "transport=rdma,traddr=" + address + ",trsvcid=" + KernelTarget.PORT + ",host_traddr=" + hostAddress;
        return new Contender("nvmet", where, KernelTarget.NQN);
    }

    private static void compare(Guest guest, Contender ours, Contender kernels) throws Exception {
        var both = List.of(ours, kernels);
        for (var one : both) {
            turn(guest, one, COLD_CONNECTS, disk -> FioLoad.warmUp(guest, disk));
        }
        for (int round = 0; round < ROUNDS; round++) {
            for (var one : round % 2 == 0 ? both : both.reversed()) {
                turn(guest, one, 1, disk -> one.rounds.add(FioLoad.run(guest, disk, guest.seconds(SECONDS), LOADS)));
                // For whoever reads the guest's console.
                System.out.println("lab: " + one.name + ": " + one.rounds.getLast());
            }
        }
        // The claim is about ours. Linux's device can end a connection when it sends again (RxeCases says when), and is
        // nvmet's too.
        assertThat(ours.losses).as("connections of ours that were lost").isEmpty();
        var lines = IntStream.range(0, LOADS.size()).mapToObj(load -> line(load, ours, kernels));
        guest.note(
                "I/Os in a second and what one takes, of ours and of the kernel's, and the ratio; medians of " + ROUNDS
                        + " rounds\n" + lines.collect(Collectors.joining("\n"))
                        + (kernels.losses.isEmpty() ? "" : "\nlost connections of the kernel's: " + kernels.losses));
    }

    /** What is done with a disk. */
    @FunctionalInterface
    private interface Turn {
        void with(String disk) throws Exception;
    }

    private static void turn(Guest guest, Contender one, int connects, Turn turn) throws Exception {
        int before = KernelHost.reconnects(guest);
        try (var host = connect(one, connects)) {
            turn.with(host.awaitDisk(1));
        }
        int lost = KernelHost.reconnects(guest) - before;
        if (lost > 0) {
            one.losses.add((one.rounds.isEmpty() ? "warm-up" : "round " + one.rounds.size()) + ": " + lost);
        }
    }

    private static KernelHost connect(Contender one, int most) throws IOException {
        for (int tries = 1; ; tries++) {
            try {
                return KernelHost.connect(one.where, one.nqn, PATIENT);
            } catch (IOException late) {
                if (tries == most) {
                    throw late;
                }
                System.out.println("lab: " + one.name + ": " + late.getMessage() + ", and again");
            }
        }
    }

    private static String line(int load, Contender ours, Contender kernels) {
        var ratios = sorted(round ->
                ours.done(round, load).rate() / kernels.done(round, load).rate());
        return String.format(
                Locale.ROOT,
                "%-26s %s   %s   %.2f (%.2f to %.2f)",
                LOADS.get(load),
                figures(ours, load),
                figures(kernels, load),
                ratios[ROUNDS / 2],
                ratios[0],
                ratios[ROUNDS - 1]);
    }

    private static String figures(Contender of, int load) {
        return String.format(
                Locale.ROOT,
                "%6.0f %6.0f us",
                sorted(round -> of.done(round, load).rate())[ROUNDS / 2],
                sorted(round -> of.done(round, load).medianMicros())[ROUNDS / 2]);
    }

    private static double[] sorted(IntToDoubleFunction figure) {
        return IntStream.range(0, ROUNDS).mapToDouble(figure).sorted().toArray();
    }
}
