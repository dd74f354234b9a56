package io.doorbell.runtime.stamps;

import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeController;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseRegistry;
import io.doorbell.lease.ResourceManager;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TransportId;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Random;

/** What goes on beside a {@link StampedLoad}, as the journal's mode says: operators, resets, admin commands. Each call has to end within its bound. */
final class Trouble implements Runnable {
    /** In which a call of the control plane has to end, whatever the device does. */
    private static final Duration BOUND = Duration.ofSeconds(40);

    private static final Duration ADMIN_BOUND = Duration.ofSeconds(10);

    /** Not that of the load: it is formatted. */
    private static final int NSID = 2;

    private static final int MANAGEMENT_CREATE = 0;
    private static final int MANAGEMENT_DELETE = 1;
    private static final int PAGE_BYTES = 4096;

    /** Format NVM Attributes: a format is one of all namespaces. */
    private static final int FNA_OFFSET = 524;

    private final ResourceManager manager;
    private final LeaseRegistry registry;
    private final TransportId controller;
    private final Journal journal;
    private final Random random;

    Trouble(ResourceManager manager, LeaseRegistry registry, TransportId controller, Journal journal, long seed) {
        this.manager = manager;
        this.registry = registry;
        this.controller = controller;
        this.journal = journal;
        random = new Random(seed);
    }

    @Override
    public void run() {
        try {
            while (true) {
                long start = System.nanoTime();
                try {
                    make();
                } catch (NvmeException | LeaseException | IllegalStateException ended) {
                    journal.count(Journal.ADMIN_FAILED);
                }
                journal.count(Journal.ADMIN_ENDED);
                if (System.nanoTime() - start > BOUND.toNanos()) {
                    journal.violation(
                            journal.mode() + ": a call took " + (System.nanoTime() - start) / 1_000_000 + " ms");
                }
            }
        } catch (InterruptedException stopped) {
            // The bundle stops.
        } catch (RuntimeException | Error defect) {
            journal.violation("the trouble ended by " + defect);
            throw defect;
        }
    }

    private void make() throws InterruptedException {
        var there = manager.controller(controller);
        Thread.sleep(random.nextInt(4));
        if (there.isEmpty()) {
            return;
        }
        switch (journal.mode()) {
            case REVOKE -> {
                for (var lease : registry.leases()) {
                    registry.revoke(lease.id());
                }
            }
            case ADMIN -> command(there.get());
            case RESET -> {
                Thread.sleep(random.nextInt(40));
                there.get().reset("trouble");
            }
            default -> Thread.sleep(2);
        }
    }

    private void command(NvmeController target) {
        var command = new NvmCommand();
        MemorySegment data = null;
        switch (random.nextInt(4)) {
            case 0 -> {
                boolean all = (target.info().raw()[FNA_OFFSET] & 1) != 0;
                command.reset(all ? AdminOpcode.KEEP_ALIVE : AdminOpcode.FORMAT_NVM, all ? 0 : NSID);
            }
            case 1 -> {
                command.reset(AdminOpcode.NAMESPACE_MANAGEMENT, 0);
                command.cdw10 = MANAGEMENT_CREATE;
                data = MemorySegment.ofArray(new byte[PAGE_BYTES]);
                // NSZE and NCAP.
                data.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, 1024);
                data.set(ValueLayout.JAVA_LONG_UNALIGNED, 8, 1024);
            }
            case 2 -> {
                command.reset(AdminOpcode.NAMESPACE_MANAGEMENT, 3 + random.nextInt(3));
                command.cdw10 = MANAGEMENT_DELETE;
            }
            default -> {
                command.reset(AdminOpcode.IDENTIFY, 0);
                command.cdw10 = IdentifyCns.CONTROLLER;
                data = MemorySegment.ofArray(new byte[PAGE_BYTES]);
            }
        }
        target.admin(command, data, ADMIN_BOUND);
    }
}
