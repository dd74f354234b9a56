package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.backends.FileBackend;
import io.doorbell.backends.MemoryBackend;
import io.doorbell.backends.NullBackend;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.TargetSubsystem.AllocatedNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfiguredSubsystemTest {
    @TempDir
    Path home;

    private final List<NvmSubsystem> published = new ArrayList<>();
    private ConfiguredSubsystem configured;
    private FileBackend files;

    @BeforeEach
    void makeBackends() {
        configured = new ConfiguredSubsystem(
                subsystem -> {
                    published.add(subsystem);
                    return () -> published.remove(subsystem);
                },
                home.resolve("reservations"),
                home.resolve("life"));
        files = new FileBackend(home, 1);
    }

    @AfterEach
    void close() {
        configured.close();
    }

    private static SubsystemSettings settings(String... namespaces) {
        return SubsystemSettings.parse(Rig.NQN, "SN", "Model", namespaces, 1);
    }

    private List<Integer> nsids() {
        return published.getFirst().namespaces().stream()
                .map(AllocatedNamespace::nsid)
                .toList();
    }

    @Test
    void isPublishedWhenEveryBackendHasBeenThere() {
        configured.apply(settings("1=memory:1MiB:512", "2=null:1MiB:512"));
        boolean before = published.isEmpty();
        configured.addBackend(new MemoryBackend());
        boolean between = published.isEmpty();
        configured.addBackend(new NullBackend());

        assertThat(before).isTrue();
        assertThat(between).isTrue();
        assertThat(published).hasSize(1);
        assertThat(nsids()).containsExactly(1, 2);
        configured.close();
        assertThat(published).isEmpty();
    }

    @Test
    void namespacesChangeUnderTheControllers() {
        configured.addBackend(new MemoryBackend());
        configured.addBackend(new NullBackend());
        configured.apply(settings("1=memory:1MiB:512", "2=null:1MiB:512"));
        var subsystem = published.getFirst();
        var stays = subsystem.namespace(1);

        configured.apply(settings("1=memory:1MiB:512", "2=null:2MiB:4096", "3=null:1MiB:512"));

        assertThat(published).containsExactly(subsystem);
        assertThat(nsids()).containsExactly(1, 2, 3);
        assertThat(subsystem.namespace(1)).as("untouched").isSameAs(stays);
        assertThat(subsystem.namespace(2).shape().blockBytes()).isEqualTo(4096);
    }

    @Test
    void anotherNameIsAnotherSubsystem() {
        configured.addBackend(new NullBackend());
        configured.apply(settings("1=null:1MiB:512"));
        var before = published.getFirst();

        configured.apply(SubsystemSettings.parse(Rig.NQN + "2", "SN", "Model", new String[] {"1=null:1MiB:512"}, 0));

        assertThat(published).hasSize(1).doesNotContain(before);
        assertThat(published.getFirst().nqn()).isEqualTo(Rig.NQN + "2");
        assertThat(before.namespaces()).isEmpty();
    }

    @Test
    void aBackendThatGoesTakesItsNamespacesAlongAndBringsThemBack() {
        var memory = new MemoryBackend();
        configured.addBackend(memory);
        configured.addBackend(new NullBackend());
        configured.apply(settings("1=memory:1MiB:512", "2=null:1MiB:512"));

        configured.removeBackend(memory);
        var without = nsids();
        configured.addBackend(new MemoryBackend());

        assertThat(published).as("stays published").hasSize(1);
        assertThat(without).containsExactly(2);
        assertThat(nsids()).containsExactly(1, 2);
    }

    @Test
    void leavesOutWhatCannotBeOpenedAndTriesAgainAtAChange() {
        configured.addBackend(files);
        configured.addBackend(new NullBackend());
        try (var other = new FileBackend(home, 1)
                .open(settings("1=file:1MiB:512:a.img").namespaces().get(1))) {
            assertThat(other.shape().blockCount()).isEqualTo(2048);
            configured.apply(settings("1=file:1MiB:512:a.img", "2=null:1MiB:512"));
            assertThat(nsids()).containsExactly(2);
        }

        configured.apply(settings("1=file:1MiB:512:a.img", "2=null:1MiB:512"));

        assertThat(nsids()).containsExactly(1, 2);
    }

    @Test
    void aNamespaceThatCannotBeAsItShouldStaysAsItWas() {
        configured.addBackend(files);
        configured.apply(settings("1=file:1MiB:512:a.img"));

        configured.apply(settings("1=file:1MiB:4096:a.img"));

        assertThat(nsids()).containsExactly(1);
        assertThat(published.getFirst().namespace(1).shape().blockBytes()).isEqualTo(512);
    }

    private long bytes(int nsid) {
        return published.getFirst().namespace(nsid).shape().byteSize();
    }

    @Test
    void anotherSizeIsGivenInPlaceAndLessOnlyWhenItIsSaid() {
        configured.addBackend(files);
        configured.apply(settings("1=file:1MiB:512:a.img"));
        var before = published.getFirst().namespace(1);

        configured.apply(settings("1=file:3MiB:512:a.img"));
        long grown = bytes(1);
        configured.apply(settings("1=file:2MiB:512:a.img"));
        long notSaid = bytes(1);
        configured.apply(settings("1=file:2MiB:512:a.img;shrink"));

        assertThat(published.getFirst().namespace(1)).isSameAs(before);
        assertThat(grown).isEqualTo(3 << 20);
        assertThat(notSaid).isEqualTo(3 << 20);
        assertThat(bytes(1)).isEqualTo(2 << 20);
    }

    @Test
    void aSizeThatChangedWhileTheNodeWasDownIsGivenAtTheStart() {
        configured.addBackend(files);
        configured.apply(settings("1=file:1MiB:512:a.img", "2=file:2MiB:512:b.img", "3=file:2MiB:512:c.img"));
        var uuid = published.getFirst().namespace(1).shape().uuid();
        configured.close();

        configured.apply(settings("1=file:2MiB:512:a.img", "2=file:1MiB:512:b.img;shrink", "3=file:1MiB:512:c.img"));

        assertThat(nsids()).as("3 would lose data, which nobody said").containsExactly(1, 2);
        assertThat(bytes(1)).isEqualTo(2 << 20);
        assertThat(bytes(2)).isEqualTo(1 << 20);
        assertThat(published.getFirst().namespace(1).shape().uuid()).isEqualTo(uuid);
    }

    @Test
    void anOperatorAddsResizesAndRemovesAndTheConfigurationSaysSo() {
        configured.addBackend(new MemoryBackend());
        configured.addBackend(files);
        configured.apply(settings("1=file:1MiB:512:a.img"));
        var stays = published.getFirst().namespace(1);

        configured.addNamespace(2, NamespaceSpec.parse("memory:1MiB:4096"));
        configured.resizeNamespace(2, 4 << 20, false);
        configured.addNamespace(3, NamespaceSpec.parse("memory:1MiB:512"));
        configured.removeNamespace(3);

        assertThat(nsids()).containsExactly(1, 2);
        assertThat(bytes(2)).isEqualTo(4 << 20);
        var spelled = (String[]) configured.configuration().get("namespaces");
        assertThat(spelled).containsExactly("1=file:1MiB:512:a.img", "2=memory:4MiB:4096");
        var two = published.getFirst().namespace(2);
        configured.apply(settings(spelled));
        assertThat(published.getFirst().namespace(1)).isSameAs(stays);
        assertThat(published.getFirst().namespace(2)).as("what is so already").isSameAs(two);
    }

    @Test
    void whatAnOperatorAsksForInVainChangesNothing() {
        configured.addBackend(new MemoryBackend());
        configured.addBackend(files);
        configured.apply(settings("1=memory:1MiB:512", "2=memory:1MiB:4096;zoned=64KiB"));
        var before = configured.configuration().get("namespaces");

        assertThatThrownBy(() -> configured.addNamespace(1, NamespaceSpec.parse("memory:1MiB:512")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is taken");
        assertThatThrownBy(() -> configured.addNamespace(1025, NamespaceSpec.parse("memory:1MiB:512")))
                .hasMessageContaining("from 1 to 1024");
        assertThatThrownBy(() -> configured.addNamespace(3, NamespaceSpec.parse("tape:1MiB:512")))
                .hasMessageContaining("file, memory");
        assertThatThrownBy(() -> configured.addNamespace(3, NamespaceSpec.parse("memory:1MiB:512:a/path")))
                .hasMessageContaining("has no path");
        assertThatThrownBy(() -> configured.resizeNamespace(1, 512 << 10, false))
                .hasMessageContaining(";shrink");
        assertThatThrownBy(() -> configured.resizeNamespace(1, 1L << 50, false)).hasMessageContaining("can grow to");
        assertThatThrownBy(() -> configured.resizeNamespace(2, 2 << 20, false)).hasMessageContaining("zones");
        assertThatThrownBy(() -> configured.resizeNamespace(9, 2 << 20, false)).hasMessageContaining("no namespace 9");
        assertThatThrownBy(() -> configured.removeNamespace(9)).hasMessageContaining("no namespace 9");

        assertThat(configured.configuration().get("namespaces")).isEqualTo(before);
        assertThat(nsids()).containsExactly(1, 2);
        assertThat(bytes(1)).isEqualTo(1 << 20);
    }

    @Test
    void aFileMovesToAnotherIdentifierWithItsData() {
        configured.addBackend(files);
        configured.apply(settings("1=file:1MiB:512:a.img"));
        var subsystem = published.getFirst();
        var uuid = subsystem.namespace(1).shape().uuid();

        configured.apply(settings("4=file:1MiB:512:a.img"));

        assertThat(nsids()).containsExactly(4);
        assertThat(subsystem.namespace(4).shape().uuid()).isEqualTo(uuid);
    }

    @Test
    void closingEndsWhatTransportsStillHold() {
        configured.addBackend(new MemoryBackend());
        configured.apply(settings("1=memory:1MiB:512"));
        var reactor = io.doorbell.reactor.HandReactor.byHand("rig");
        var transport = new Rig.Transport();
        var controller =
                (NvmController) published.getFirst().createController(Rig.setup("late", true, true), transport);
        var path = controller.openIoPath(reactor);
        var poller = Thread.ofPlatform().start(() -> {
            while (controller.attached(1) != null) {
                Thread.onSpinWait();
            }
            path.poll(0); // As the reactor would, in its next cycle.
        });

        long startNanos = System.nanoTime();
        configured.close();
        long takenMillis = (System.nanoTime() - startNanos) / 1_000_000;

        assertThat(takenMillis).as("waits for the path, and not for its bound").isLessThan(4000);
        assertThat(path.admit(TestRequest.blocks(NvmOpcode.READ, 0, 1)))
                .isNotZero()
                .isNotEqualTo(NvmRequest.PENDING);
        assertThat(poller).isNotNull();
        path.close();
        controller.close();
    }

    @Test
    void leavesOutANamespaceWhoseReservationsCannotBeReadAndLetsItsDataGo() throws IOException {
        var damaged = Files.createDirectories(home.resolve("reservations")).resolve(Rig.NQN + "-1.json");
        Files.writeString(damaged, "nonsense");
        configured.addBackend(new MemoryBackend());
        configured.addBackend(files);

        configured.apply(settings("1=file:1MiB:512:a.img", "2=memory:1MiB:512"));
        var without = nsids();
        Files.delete(damaged);
        configured.apply(settings("1=file:1MiB:512:a.img", "2=memory:1MiB:512"));

        assertThat(without).containsExactly(2);
        assertThat(nsids()).containsExactly(1, 2);
    }
}
