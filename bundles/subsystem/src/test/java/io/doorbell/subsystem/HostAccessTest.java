package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ControllerList;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HostAccessTest {
    private static final String ONE = "nqn.2026-11.io.doorbell:one";
    private static final String TWO = "nqn.2026-11.io.doorbell:two";

    private final Rig rig = new Rig().memory(1, 512, 8).memory(2, 512, 8);

    @AfterEach
    void close() {
        rig.close();
    }

    private int[] active(NvmController controller) {
        assertThat(rig.admin(controller, Rig.command(AdminOpcode.IDENTIFY, 0, IdentifyCns.ACTIVE_NAMESPACE_LIST, 0)))
                .isZero();
        return NamespaceList.read(rig.page(), 0);
    }

    private int[] allocated(NvmController controller) {
        assertThat(rig.admin(controller, Rig.command(AdminOpcode.IDENTIFY, 0, IdentifyCns.ALLOCATED_NAMESPACE_LIST, 0)))
                .isZero();
        return NamespaceList.read(rig.page(), 0);
    }

    @Test
    void onlyNamedHostsConnect() {
        assertThat(rig.subsystem.allows(TWO)).as("nobody is named").isTrue();

        rig.subsystem.restrict(new HostAccess(Set.of(ONE), Map.of(), false));

        assertThat(rig.subsystem.allows(ONE)).isTrue();
        assertThat(rig.subsystem.allows(TWO)).isFalse();
        assertThat(rig.subsystem.allows("")).as("who names nobody").isFalse();
        rig.controller("on PCI", true, true, new Rig.Transport());
        assertThatIllegalStateException().isThrownBy(() -> rig.controllerOf("", new Rig.Transport()));
        assertThatIllegalStateException()
                .isThrownBy(() -> rig.controllerOf(TWO, new Rig.Transport()))
                .withMessageContaining(TWO);
    }

    @Test
    void whoWatchesIsToldOfEachChange() {
        var told = new ArrayList<Boolean>();
        Runnable watcher = () -> told.add(rig.subsystem.allows(TWO));
        rig.subsystem.watchAccess(watcher);

        rig.subsystem.restrict(new HostAccess(Set.of(ONE), Map.of(), false));
        rig.subsystem.restrict(new HostAccess(Set.of(ONE), Map.of(), false));
        rig.subsystem.restrict(HostAccess.OPEN);
        rig.subsystem.unwatchAccess(watcher);
        rig.subsystem.restrict(new HostAccess(Set.of(ONE), Map.of(), false));

        assertThat(told).containsExactly(false, true);
    }

    @Test
    void aHostThatMayNotBeHereAnyMoreIsToldSo() {
        var one = new Rig.Transport();
        var two = new Rig.Transport();
        rig.controllerOf(ONE, one).configure(Rig.ENABLE);
        rig.controllerOf(TWO, two).configure(Rig.ENABLE);

        rig.subsystem.restrict(new HostAccess(Set.of(ONE), Map.of(), false));

        assertThat(two.calls).last().asString().startsWith("fatal: host " + TWO);
        assertThat(new ControllerStatus(two.controller.status()).cfs()).isTrue();
        assertThat(one.calls).containsExactly("enabled");
        assertThat(rig.transport.calls).as("on PCI").isEmpty();
    }

    @Test
    void aNamespaceIsSeenByTheHostsThatAreNamedForIt() {
        rig.subsystem.restrict(new HostAccess(Set.of(), Map.of(2, Set.of(ONE)), false));
        var one = rig.controllerOf(ONE, new Rig.Transport());
        var two = rig.controllerOf(TWO, new Rig.Transport());

        assertThat(active(one)).containsExactly(1, 2);
        assertThat(active(two)).containsExactly(1);
        assertThat(allocated(two)).containsExactly(1);
        assertThat(active(rig.controller)).as("on PCI").containsExactly(1);
        var attach = Rig.command(AdminOpcode.NAMESPACE_ATTACHMENT, 2, 0, 0);
        assertThat(rig.run(one.adminPath(), attach, list(two))).isEqualTo(Status.OPERATION_DENIED | Status.DNR);
        assertThat(rig.run(two.adminPath(), attach, list(two))).isEqualTo(Status.INVALID_FIELD | Status.DNR);
    }

    private static byte[] list(NvmController controller) {
        var data = new byte[ControllerList.SIZE_BYTES];
        ControllerList.write(MemorySegment.ofArray(data), 0, controller.controllerId());
        return data;
    }

    @Test
    void namespacesComeAndGoForHostsThatAreThere() {
        var two = rig.controllerOf(TWO, new Rig.Transport());
        rig.setFeature(two, FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION, 1 << 8);
        var event = rig.eventRequest(two);

        rig.subsystem.restrict(new HostAccess(Set.of(), Map.of(2, Set.of(ONE)), false));

        assertThat(active(two)).containsExactly(1);
        two.adminPath().poll(0);
        assertThat(event.completions()).isEqualTo(1);
        rig.memory(3, 512, 8);
        rig.subsystem.restrict(new HostAccess(Set.of(), Map.of(2, Set.of(ONE, TWO), 3, Set.of(ONE)), false));
        assertThat(active(two)).containsExactly(1, 2);
    }

    @Test
    void isSpelledByName() {
        var access = HostAccess.parse(new String[] {ONE, " " + TWO}, new String[] {"2=" + ONE, "2 = " + TWO}, false);

        assertThat(access).isEqualTo(new HostAccess(Set.of(ONE, TWO), Map.of(2, Set.of(ONE, TWO)), false));
        for (var wrong : List.of("x=" + ONE, "0=" + ONE, ONE, "3=host")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> HostAccess.parse(new String[0], new String[] {wrong}, false))
                    .withMessageContaining(wrong.substring(wrong.indexOf('=') + 1));
        }
        assertThat(HostAccess.parse(new String[] {""}, new String[] {" "}, false))
                .isEqualTo(HostAccess.OPEN);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HostAccess.parse(new String[] {"host"}, new String[0], false));
    }
}
