package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.CommandPath;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A host that sends anything at all gets a status for each, and never more data than a command may move. */
class HostileHostTest {
    private static final int COMMANDS = 30_000;

    private static final int[] ADMIN = {
        AdminOpcode.IDENTIFY,
        AdminOpcode.GET_LOG_PAGE,
        AdminOpcode.GET_FEATURES,
        AdminOpcode.SET_FEATURES,
        AdminOpcode.NAMESPACE_MANAGEMENT,
        AdminOpcode.NAMESPACE_ATTACHMENT,
        AdminOpcode.KEEP_ALIVE,
        AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST
    };

    private static final int[] IO = {
        NvmOpcode.READ,
        NvmOpcode.WRITE,
        NvmOpcode.COMPARE,
        NvmOpcode.WRITE_ZEROES,
        NvmOpcode.DATASET_MANAGEMENT,
        NvmOpcode.VERIFY,
        NvmOpcode.FLUSH
    };

    private final Rig rig = new Rig().memory(1, 512, 100).memory(2, 4096, 100).enabled();
    private final long seed = Long.getLong("doorbell.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final Set<Integer> codes = new HashSet<>();

    @AfterEach
    void close() {
        rig.close();
    }

    /** A number as hosts get them wrong: small, at an edge, or anything. */
    private int number() {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt(4);
            case 1 -> random.nextInt(128);
            case 2 ->
                new int[] {-1, -2, Integer.MAX_VALUE, Integer.MIN_VALUE, 0xFFFF, 1024, 1025, 99, 100}
                        [random.nextInt(9)];
            default -> random.nextInt();
        };
    }

    private TestRequest anything(int[] opcodes) {
        var request = Rig.command(
                random.nextInt(20) == 0 ? random.nextInt(256) : opcodes[random.nextInt(opcodes.length)],
                number(),
                number(),
                random.nextBoolean() ? 0 : number());
        request.flags = random.nextInt(8) == 0 ? random.nextInt(4) : 0;
        request.cdw12 = number();
        request.cdw13 = random.nextBoolean() ? 0 : number();
        request.cdw14 = random.nextBoolean() ? 0 : number();
        request.cdw15 = number();
        return request;
    }

    private void send(CommandPath path, TestRequest request, String what) {
        int status = path.admit(request);
        if (status == Status.SUCCESS) {
            assertThat(request.dataBytes).as(what).isBetween(0, Rig.MAX_TRANSFER_PAGES * 4096);
            var data = new byte[request.dataBytes];
            random.nextBytes(data);
            status = path.execute(request.with(data));
        }
        if (status == NvmRequest.PENDING) {
            path.poll(0);
        } else {
            assertThat(status & ~0x7FFF).as(what).isZero();
        }
        codes.add(status);
    }

    @Test
    void adminCommands() {
        System.out.println("doorbell.seed=" + seed + " for " + getClass().getSimpleName());
        rig.subsystem.allowNamespaceManagement(new MemoryBackend(), 1 << 30);

        for (int i = 0; i < COMMANDS; i++) {
            send(rig.controller.adminPath(), anything(ADMIN), "seed " + seed + ", command " + i);
        }

        assertThat(codes).as("seed " + seed).contains(Status.SUCCESS, Status.INVALID_FIELD | Status.DNR);
        assertThat(codes).hasSizeGreaterThan(5);
    }

    @Test
    void ioCommands() {
        System.out.println("doorbell.seed=" + seed + " for " + getClass().getSimpleName());
        var path = rig.controller.openIoPath(rig.reactor);

        for (int i = 0; i < COMMANDS; i++) {
            send(path, anything(IO), "seed " + seed + ", command " + i);
        }

        assertThat(codes)
                .as("seed " + seed)
                .contains(
                        Status.SUCCESS,
                        Status.LBA_OUT_OF_RANGE | Status.DNR,
                        Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR);
        path.close();
    }
}
