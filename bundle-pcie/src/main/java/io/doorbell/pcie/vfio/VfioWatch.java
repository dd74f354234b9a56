package io.doorbell.pcie.vfio;

import io.doorbell.pcibus.PciDevice;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.UeventSocket;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells of functions that come and go: looks at sysfs whenever the kernel has news of a PCI function, and now and then without. A thread of its own;
 * close it to end it.
 */
public final class VfioWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(VfioWatch.class);

    /**
     * How long a function that the kernel asked back is not taken again without news of it: while the kernel unbinds it, it still looks bound. As long
     * as the kernel may take, plus what a lost piece of news costs.
     */
    private static final Duration HOLD_OFF = Duration.ofSeconds(30);

    /** How long {@link #close} waits for whoever was told that functions have gone: drivers shut controllers down then. */
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(60);

    private final VfioFunctions functions;
    private final Selection selection;
    private final Duration rescan;
    private final Consumer<VfioFunction> came;
    private final Consumer<VfioFunction> went;
    private final Hints hints;
    private final Thread thread;
    private volatile boolean closed;

    // The thread's own.
    private final Map<String, VfioFunction> present = new TreeMap<>();
    private final Map<String, Long> heldOff = new HashMap<>();
    private final Map<String, String> obstacles = new HashMap<>();
    private final Map<String, Thread> leaving = new HashMap<>();

    /**
     * @param selection which functions are wanted
     * @param rescan how often sysfs is looked at without news
     * @param came is told of each function, on the thread of the watch
     * @param went is told of the same function when it goes, on a virtual thread; when it returns nobody uses the function any more
     */
    public VfioWatch(
            VfioFunctions functions,
            Selection selection,
            Duration rescan,
            Consumer<VfioFunction> came,
            Consumer<VfioFunction> went) {
        this.functions = functions;
        this.selection = selection;
        this.rescan = rescan;
        this.came = came;
        this.went = went;
        hints = Hints.open();
        thread = Thread.ofPlatform().daemon().name("vfio-watch").start(this::run);
    }

    private void run() {
        try {
            while (!closed) {
                try {
                    look();
                } catch (RuntimeException failed) {
                    LOG.error("sysfs cannot be looked at now", failed);
                }
                for (var address : hints.await(rescan)) {
                    heldOff.remove(address);
                }
            }
        } finally {
            for (var function : List.copyOf(present.values())) {
                leave(function, "the node lets it go");
            }
            leaving.values().forEach(VfioWatch::join);
            hints.close();
        }
    }

    private void look() {
        leaving.values().removeIf(ending -> !ending.isAlive());
        var there = new TreeMap<String, PciDevice>();
        for (var device : functions.bus().devices()) {
            there.put(device.address(), device);
        }
        for (var function : List.copyOf(present.values())) {
            var device = there.get(function.address());
            // Softly: while a claim is open, the kernel shows a function without driver and waits for us to let it go.
            if (device == null) {
                function.ended("it was unplugged");
            } else if (!device.isBoundToVfio()) {
                function.ended(
                        "it is bound to " + (device.driver().isEmpty() ? "no driver" : device.driver()) + " now");
            }
            if (function.endedFor() != null) {
                heldOff.put(function.address(), System.nanoTime());
                leave(function, function.endedFor());
            }
        }
        heldOff.keySet().removeIf(address -> mayBeTaken(address, there.get(address)));
        for (var device : there.values()) {
            if (selection.wants(device)
                    && !present.containsKey(device.address())
                    && !leaving.containsKey(device.address())
                    && !heldOff.containsKey(device.address())) {
                take(device);
            }
        }
        tellMissing(there);
    }

    private boolean mayBeTaken(String address, PciDevice device) {
        return device == null
                || !device.isBoundToVfio()
                || System.nanoTime() - heldOff.get(address) > HOLD_OFF.toNanos();
    }

    private void take(PciDevice device) {
        var obstacle = functions.obstacle(device);
        if (obstacle.isPresent()) {
            tellOnce(device.address(), obstacle.get());
            return;
        }
        obstacles.remove(device.address());
        var function = functions.function(device);
        function.watch(_ -> hints.wake());
        present.put(device.address(), function);
        LOG.info("{} is there", function);
        came.accept(function);
    }

    private void tellMissing(Map<String, PciDevice> there) {
        for (var address : selection.addresses()) {
            if (!there.containsKey(address)) {
                tellOnce(address, address + ": there is no such PCI function; doorbell pci list shows those there are");
            }
        }
    }

    private void tellOnce(String address, String obstacle) {
        if (!obstacle.equals(obstacles.put(address, obstacle))) {
            LOG.warn("waiting for a function: {}", obstacle);
        }
    }

    /** Beside this thread: others may come and go meanwhile. */
    private void leave(VfioFunction function, String reason) {
        present.remove(function.address());
        LOG.info("{} goes: {}", function, reason);
        leaving.put(
                function.address(),
                Thread.ofVirtual()
                        .name("vfio-" + function.address() + "-leaves")
                        .start(() -> {
                            try {
                                went.accept(function);
                            } finally {
                                hints.wake();
                            }
                        }));
    }

    private static void join(Thread ending) {
        try {
            if (!ending.join(CLOSE_BOUND)) {
                LOG.warn("{}: has not ended within {}", ending.getName(), CLOSE_BOUND);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends the watch: the functions that there are go. Idempotent. */
    @Override
    public void close() {
        closed = true;
        hints.wake();
        join(thread);
    }

    /** Reasons to look: the kernel's news, or only a clock where a container forbids them. */
    private static final class Hints implements AutoCloseable {
        /** Null where there is none. */
        private final UeventSocket socket;

        private final Semaphore woken = new Semaphore(0);

        private Hints(UeventSocket socket) {
            this.socket = socket;
        }

        static Hints open() {
            try {
                return new Hints(UeventSocket.open());
            } catch (PlatformException forbidden) {
                LOG.info("no news of devices, they are looked for now and then: {}", forbidden.getMessage());
                return new Hints(null);
            }
        }

        /** Waits for a reason. The addresses of functions that came or were bound since. */
        TreeSet<String> await(Duration atMost) {
            var addresses = new TreeSet<String>();
            if (socket == null) {
                sleep(atMost);
                return addresses;
            }
            long deadline = System.nanoTime() + atMost.toNanos();
            while (true) {
                var batch = socket.await(Math.max(0, deadline - System.nanoTime()));
                boolean aboutPci = !batch.complete();
                for (var news : batch.news()) {
                    aboutPci |= news.value("SUBSYSTEM").equals("pci");
                    if (news.action().equals("bind") || news.action().equals("add")) {
                        addresses.add(news.value("PCI_SLOT_NAME"));
                    }
                }
                if (aboutPci || woken.tryAcquire() || System.nanoTime() - deadline >= 0) {
                    woken.drainPermits();
                    return addresses;
                }
            }
        }

        private void sleep(Duration atMost) {
            try {
                if (woken.tryAcquire(atMost.toNanos(), TimeUnit.NANOSECONDS)) {
                    woken.drainPermits();
                }
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        void wake() {
            woken.release();
            if (socket != null) {
                socket.wake();
            }
        }

        @Override
        public void close() {
            if (socket != null) {
                socket.close();
            }
        }
    }
}
