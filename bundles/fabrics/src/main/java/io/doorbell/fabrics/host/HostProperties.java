package io.doorbell.fabrics.host;

import io.doorbell.driver.AdminRequest;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Status;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Properties of a controller over a network, and what is done with them. NVMe Base 2.1 §6.5, §6.6. Control plane, blocks. */
final class HostProperties {
    /** Sends one command and waits. */
    interface Way {
        AdminRequest.Answer execute(NvmCommand command);
    }

    private static final long LOOK_NANOS = 1_000_000;
    private static final int EIGHT_BYTES = 1;

    /** Of a controller that says it takes no time. */
    private static final Duration LEAST_READY_BOUND = Duration.ofSeconds(5);

    private final String name;
    private final Way way;

    HostProperties(String name, Way way) {
        this.name = name;
        this.way = way;
    }

    long get(int offset, int bytes) {
        var command = new NvmCommand().reset(AdminOpcode.FABRICS, FabricsCommand.PROPERTY_GET);
        command.cdw10 = bytes == Long.BYTES ? EIGHT_BYTES : 0;
        command.cdw11 = offset;
        var answer = way.execute(command);
        check("Property Get", offset, answer.status());
        return bytes == Long.BYTES ? answer.result() : answer.result() & 0xFFFF_FFFFL;
    }

    void set(int offset, int value) {
        var command = new NvmCommand().reset(AdminOpcode.FABRICS, FabricsCommand.PROPERTY_SET);
        command.cdw11 = offset;
        command.cdw12 = value;
        check("Property Set", offset, way.execute(command).status());
    }

    private void check(String what, int offset, int status) {
        if (status != Status.SUCCESS) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP,
                    String.format("%s, %s of %02Xh", name, what, offset),
                    "refused with " + FabricsStatus.name(status));
        }
    }

    ControllerCapabilities cap() {
        return new ControllerCapabilities(get(Registers.CAP, Long.BYTES));
    }

    int vs() {
        return (int) get(Registers.VS, Integer.BYTES);
    }

    ControllerStatus csts() {
        return new ControllerStatus((int) get(Registers.CSTS, Integer.BYTES));
    }

    /** Enables a controller that Connect has just made. NVMe Base 2.1 §3.5.2 "Message-based Controller Initialization". */
    void enable(ControllerCapabilities cap, ControllerConfiguration configuration) {
        set(Registers.CC, configuration.withEn(true).raw());
        var bound = Duration.ofMillis(Math.max(cap.timeoutMillis(), LEAST_READY_BOUND.toMillis()));
        long deadline = System.nanoTime() + bound.toNanos();
        while (true) {
            var csts = csts();
            if (csts.cfs()) {
                throw new NvmeException(
                        NvmeException.Kind.GIVE_UP,
                        name + ", enabling",
                        "it cannot be enabled as " + configuration + ": " + csts);
            }
            if (csts.rdy()) {
                return;
            }
            if (System.nanoTime() - deadline >= 0) {
                throw new NvmeException(
                        NvmeException.Kind.RETRY, name + ", enabling", "not ready after " + bound.toMillis() + " ms");
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    /** NVMe Base 2.1 §3.6.2 "Message-based Controller Shutdown". Returns whether it was complete within the bound. */
    boolean shutdown(Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        var cc = new ControllerConfiguration((int) get(Registers.CC, Integer.BYTES));
        set(Registers.CC, cc.withShn(ControllerConfiguration.SHN_NORMAL).raw());
        while (csts().shst() != ControllerStatus.SHST_COMPLETE) {
            if (System.nanoTime() - deadline >= 0) {
                return false;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        return true;
    }

    /** Returns whether it processes commands, now or within the bound. */
    boolean awaitProcessing(Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        while (csts().pp()) {
            if (System.nanoTime() - deadline >= 0) {
                return false;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        return true;
    }
}
