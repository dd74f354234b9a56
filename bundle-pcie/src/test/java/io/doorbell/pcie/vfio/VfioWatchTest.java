package io.doorbell.pcie.vfio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.pci.PciFunction;
import io.doorbell.pcibus.FakeBus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A bus in a folder; the kernel tells nothing of it, so the watch finds things out by looking. */
@Timeout(300)
class VfioWatchTest {
    private static final String ADDRESS = "0000:01:00.0";
    private static final Duration RESCAN = Duration.ofMillis(20);
    private static final Duration SOON = Duration.ofSeconds(20);

    @TempDir
    private Path root;

    private final List<VfioFunction> came = new CopyOnWriteArrayList<>();
    private final List<VfioFunction> went = new CopyOnWriteArrayList<>();
    private FakeBus fake;
    private VfioWatch watch;

    @BeforeEach
    void makeBus() {
        fake = new FakeBus(root);
        fake.nvme(ADDRESS, 7).node(7);
    }

    @AfterEach
    void close() {
        if (watch != null) {
            watch.close();
        }
    }

    private void watch(String... words) {
        var functions = new VfioFunctions(fake.sysfs(), fake.nodes(), fake.processes());
        watch = new VfioWatch(functions, Selection.parse(List.of(words)), RESCAN, came::add, went::add);
    }

    @Test
    void aFunctionComesWhenItIsBoundAndGoesWhenItIsNot() {
        watch("class");

        fake.bound(ADDRESS, "vfio-pci");
        await().atMost(SOON).until(() -> came.size() == 1);
        fake.bound(ADDRESS, "nvme");
        await().atMost(SOON).until(() -> went.size() == 1);

        assertThat(came.getFirst().address()).isEqualTo(ADDRESS);
        assertThat(went).isEqualTo(came);
        assertThat(went.getFirst().endedFor()).contains("bound to nvme");
    }

    @Test
    void aFunctionThatComesAgainIsANewOne() {
        fake.bound(ADDRESS, "vfio-pci");
        watch(ADDRESS);
        await().atMost(SOON).until(() -> came.size() == 1);

        fake.unplug(ADDRESS);
        await().atMost(SOON).until(() -> went.size() == 1);
        assertThat(went.getFirst().endedFor()).contains("unplugged");
        fake.nvme(ADDRESS, 7).bound(ADDRESS, "vfio-pci");

        await().atMost(SOON).until(() -> came.size() == 2);
        assertThat(came.getLast()).isNotSameAs(came.getFirst());
    }

    @Test
    void onlyWhatIsNamedIsTaken() {
        fake.bound(ADDRESS, "vfio-pci")
                .nvme("0000:02:00.0", 8)
                .bound("0000:02:00.0", "vfio-pci")
                .node(8);

        watch("0000:02:00.0");

        await().atMost(SOON).until(() -> came.size() == 1);
        assertThat(came).extracting(PciFunction::address).containsExactly("0000:02:00.0");
    }

    @Test
    void aFunctionInAGroupThatCannotBeUsedComesWhenItCan() {
        fake.bound(ADDRESS, "vfio-pci").nvme("0000:01:00.1", 7);
        watch(ADDRESS);
        assertThat(came).isEmpty();

        fake.bound("0000:01:00.1", "");

        await().atMost(SOON).until(() -> came.size() == 1);
    }

    /** While the kernel takes it away, it looks bound. */
    @Test
    void aFunctionThatTheKernelAskedForIsNotTakenAgainBeforeItWasUnbound() {
        fake.bound(ADDRESS, "vfio-pci").nvme("0000:02:00.0", 8).node(8);
        watch("class");
        await().atMost(SOON).until(() -> came.size() == 1);

        assertThat(came.getFirst().ended("unplugged")).isTrue();
        await().atMost(SOON).until(() -> went.size() == 1);
        // Another one that comes shows that the watch has looked since.
        fake.bound("0000:02:00.0", "vfio-pci");
        await().atMost(SOON).until(() -> came.size() == 2);
        assertThat(came).extracting(PciFunction::address).containsExactly(ADDRESS, "0000:02:00.0");

        fake.bound(ADDRESS, "nvme");
        fake.bound("0000:02:00.0", "nvme");
        await().atMost(SOON).until(() -> went.size() == 2);
        fake.bound(ADDRESS, "vfio-pci");
        await().atMost(SOON).until(() -> came.size() == 3);
    }

    @Test
    void oneThatIsSlowToGoDoesNotKeepOthersFromComing() throws InterruptedException {
        fake.bound(ADDRESS, "vfio-pci").nvme("0000:02:00.0", 8).node(8);
        var mayGo = new CountDownLatch(1);
        var functions = new VfioFunctions(fake.sysfs(), fake.nodes(), fake.processes());
        watch = new VfioWatch(functions, Selection.parse(List.of("class")), RESCAN, came::add, function -> {
            try {
                mayGo.await();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
            went.add(function);
        });
        await().atMost(SOON).until(() -> came.size() == 1);
        fake.bound(ADDRESS, "");

        fake.bound("0000:02:00.0", "vfio-pci");

        await().atMost(SOON).until(() -> came.size() == 2);
        assertThat(went).isEmpty();
        mayGo.countDown();
        await().atMost(SOON).until(() -> went.size() == 1);
    }

    @Test
    void closingLetsAllOfThemGo() {
        fake.bound(ADDRESS, "vfio-pci");
        watch("class");
        await().atMost(SOON).until(() -> came.size() == 1);

        watch.close();
        watch.close();

        assertThat(went).isEqualTo(came);
    }

    @Test
    void aBusThatIsNotThereIsNoReasonToStop() throws Exception {
        Files.delete(fake.sysfs().resolve("bus/pci/devices/" + ADDRESS));
        watch(ADDRESS);

        fake.nvme(ADDRESS, 7).bound(ADDRESS, "vfio-pci");

        await().atMost(SOON).until(() -> came.size() == 1);
    }
}
