package io.doorbell.rdmanic;

import io.doorbell.platform.PlatformException;
import io.doorbell.platform.RdmaEvent;
import io.doorbell.platform.RdmaEventChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The RDMA devices of this machine, one for each IP address that librdmacm finds to be one's, as they come and go. Control path: a virtual thread looks.
 *
 * <p>Where there is nothing to find, that is said once, at level INFO.
 */
public final class NicDevices implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NicDevices.class);

    private static final Path SYSTEM = Path.of("/sys/class/infiniband");
    private static final Duration LOOK = Duration.ofSeconds(3);
    private static final Duration END_BOUND = Duration.ofSeconds(10);

    /** An id that is bound to an address is an RDMA device's, or {@code rdma_bind_addr} says that there is none: ENODEV. */
    private static final int NO_DEVICE = 19;

    /** Looks at what is not certain, as an address that the kernel is about to take: a minute. */
    private static final int MOST_PROBES = 20;

    private final Engine engine;
    private final Set<String> wanted;
    private final Consumer<NicDevice> came;
    private final Consumer<NicDevice> gone;
    private final Thread thread;
    private final Duration pause;
    /** Addresses of devices that have failed, or are being removed. */
    private final BlockingQueue<InetAddress> lost = new LinkedBlockingQueue<>();

    private volatile long looks;
    private volatile boolean ended;

    // The looking thread's; after its end, that of close.
    private final Map<InetAddress, NicDevice> devices = new HashMap<>();
    private NicEvents events;
    private DataPath path;
    /** What was there when all of it had been probed. */
    private Set<Object> seen = Set.of();

    private Set<Object> probed = Set.of();
    private int probes;
    private boolean suspicious;
    private String said = "";

    private NicDevices(
            Engine engine, Set<String> wanted, Duration pause, Consumer<NicDevice> came, Consumer<NicDevice> gone) {
        this.engine = engine;
        this.pause = pause;
        this.wanted = Set.copyOf(wanted);
        this.came = came;
        this.gone = gone;
        thread = Thread.ofVirtual().name("rdma devices").unstarted(this::run);
    }

    /**
     * Looks from now on. Both are called on a thread of this, one at a time.
     *
     * @param engine what carries requests; looked for when there is a device
     * @param wanted names of devices, as the kernel has them; all where empty
     * @param came a device is there
     * @param gone it has gone, or this is closed: when it returns, the device is closed
     */
    public static NicDevices watch(
            Engine engine, Set<String> wanted, Consumer<NicDevice> came, Consumer<NicDevice> gone) {
        return watch(engine, wanted, LOOK, came, gone);
    }

    /** @param pause between two looks */
    static NicDevices watch(
            Engine engine, Set<String> wanted, Duration pause, Consumer<NicDevice> came, Consumer<NicDevice> gone) {
        var made = new NicDevices(engine, wanted, pause, came, gone);
        made.thread.start();
        return made;
    }

    /** How often it has looked. */
    long looks() {
        return looks;
    }

    private void run() {
        while (!ended) {
            try {
                look();
            } catch (RuntimeException | IOException failed) {
                say("RDMA devices cannot be looked for: " + failed);
            }
            looks = looks + 1;
            try {
                dropLost(lost.poll(pause.toNanos(), TimeUnit.NANOSECONDS));
            } catch (InterruptedException over) {
                return;
            } catch (RuntimeException failed) {
                LOG.error("an RDMA device that has gone", failed);
            }
        }
    }

    /** The device at this address, and those of which the same is known. For a while then what is there is looked at anew: one may come back unseen. */
    private void dropLost(InetAddress first) {
        for (var address = first; address != null; address = lost.poll()) {
            var device = devices.remove(address);
            if (device != null) {
                seen = Set.of();
                probed = Set.of();
                suspicious = true;
                drop(device);
            }
        }
    }

    private void say(String what) {
        if (!said.equals(what)) {
            said = what;
            LOG.info("{}", what);
        }
    }

    private void look() throws IOException {
        var present = present();
        if (present.isEmpty() && events == null) {
            say("This machine has no RDMA device; the node does RDMA in software where rdma-soft is configured");
            return;
        }
        var addresses = addresses();
        var now = new HashSet<Object>(addresses);
        now.addAll(present);
        if (now.equals(seen)) {
            return;
        }
        for (var known : List.copyOf(devices.keySet())) {
            if (!addresses.contains(known)
                    || !present.contains(devices.get(known).deviceName())) {
                drop(devices.remove(known));
            }
        }
        if (!opened()) {
            return;
        }
        probes = now.equals(probed) ? probes + 1 : 1;
        probed = now;
        boolean sure = true;
        for (var address : addresses) {
            if (!devices.containsKey(address)) {
                sure &= probe(address);
            }
        }
        if (sure && !suspicious || probes >= MOST_PROBES) {
            seen = now;
            suspicious = false;
        }
        if (devices.isEmpty()) {
            say("RDMA devices " + present + " have no IP address, or are not wanted: " + wanted);
        }
    }

    private boolean opened() {
        if (events != null) {
            return true;
        }
        try {
            if (path == null) {
                path = engine.open();
            }
        } catch (IllegalStateException missing) {
            say("RDMA devices are not used: " + missing.getMessage());
            return false;
        }
        try {
            events = new NicEvents(RdmaEventChannel.open());
            return true;
        } catch (PlatformException none) {
            say("RDMA devices are not used: " + none.getMessage()
                    + ". It takes the kernel's module rdma_ucm, and the right to use /dev/infiniband");
            return false;
        }
    }

    private static Set<String> present() throws IOException {
        if (!Files.isDirectory(SYSTEM)) {
            return Set.of();
        }
        try (var files = Files.list(SYSTEM)) {
            var names = new HashSet<String>();
            files.forEach(file -> names.add(file.getFileName().toString()));
            return names;
        }
    }

    /** Those by which peers can name this machine: not those of a link, which need the name of an interface too. */
    private static List<InetAddress> addresses() throws SocketException {
        var found = new ArrayList<InetAddress>();
        NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLinkLocalAddress())
                .map(NicDevices::withoutScope)
                .forEach(found::add);
        return found;
    }

    /** The JDK gives every address of IPv6 the interface along. */
    private static InetAddress withoutScope(InetAddress address) {
        try {
            return InetAddress.getByAddress(address.getAddress());
        } catch (UnknownHostException impossible) {
            throw new AssertionError("4 or 16 bytes", impossible);
        }
    }

    /** Returns false when it may be another time. */
    private boolean probe(InetAddress address) {
        var anchor = events.createId(event -> {
            LOG.debug("{}: event {}", address, event.type());
            if (event.type() == RdmaEvent.DEVICE_REMOVAL) {
                lost.add(address);
            }
        });
        boolean sure = true;
        try {
            anchor.bind(new InetSocketAddress(address, 0));
            var context = anchor.context();
            if (context != null && (wanted.isEmpty() || wanted.contains(context.name()))) {
                var device = new NicDevice(events, path, address, anchor, () -> {
                    LOG.error("the RDMA device at {} has failed", address.getHostAddress());
                    lost.add(address);
                });
                devices.put(address, device);
                LOG.info(
                        "RDMA device {} at {}, by {}{}",
                        device.deviceName(),
                        address.getHostAddress(),
                        path.name(),
                        device.hasWindows() ? "" : "; it has no memory windows, so it serves targets only");
                if (device.isRxe()) {
                    LOG.warn(
                            "{} holds peers to the bounds of memory regions, not to those of windows: targets of an"
                                    + " initiator there reach all of its memory for data",
                            device.deviceName());
                }
                came.accept(device);
                return true;
            }
        } catch (PlatformException no) {
            if (no.errno() != NO_DEVICE) {
                sure = false;
                LOG.debug("whether {} is an RDMA device's cannot be said", address, no);
            }
        }
        anchor.close();
        events.forget(anchor);
        return sure;
    }

    private void drop(NicDevice device) {
        LOG.info(
                "RDMA device {} at {} is gone",
                device.deviceName(),
                device.address().getHostAddress());
        gone.accept(device);
        device.close();
    }

    /** Ends all. */
    @Override
    public void close() {
        ended = true;
        thread.interrupt();
        try {
            thread.join(END_BOUND);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (var device : devices.values()) {
            gone.accept(device);
            device.close();
        }
        devices.clear();
        if (events != null) {
            events.close();
        }
    }
}
