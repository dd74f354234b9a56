package io.doorbell.lab.tcp;

import io.doorbell.lab.kernel.LabTarget;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.target.AccessState;
import io.doorbell.target.AccessStates;
import io.doorbell.tcp.TcpTarget;
import io.doorbell.tcp.TcpTargetSettings;

/** Our target at a free port of the loopback. */
final class Target extends LabTarget {
    private TcpTarget listener;
    final int port;
    private TcpTarget second;

    Target() {
        super(ReactorOptions.DEFAULT);
        listener = TcpTarget.open(TcpTargetSettings.DEFAULT, fabrics, reactors);
        port = listener.address().getPort();
    }

    @Override
    public String transport() {
        return "tcp";
    }

    @Override
    public String address() {
        return "127.0.0.1";
    }

    @Override
    public int port() {
        return port;
    }

    /** For the kernel, of the second way. */
    String whereSecond() {
        return where(second.address().getPort());
    }

    /** Another way to the same subsystem. */
    void openSecond() {
        second = TcpTarget.open(settings("tcp1", 0), fabrics, reactors);
    }

    void closeSecond() {
        second.close();
    }

    /** The state of the first way (ANA). */
    void firstIs(AccessState state) {
        listener.accessStates(AccessStates.ALL_OPTIMIZED.with(1, state));
    }

    /** From now on it is for hosts that there are not. */
    void allowNobody() {
        fabrics.remove(subsystem);
        fabrics.add(new ForNobody(subsystem));
    }

    @Override
    public void goes() {
        listener.close();
    }

    @Override
    public void comesBack() {
        listener = TcpTarget.open(settings(TcpTargetSettings.DEFAULT.name(), port), fabrics, reactors);
    }

    private static TcpTargetSettings settings(String name, int port) {
        var now = TcpTargetSettings.DEFAULT;
        return new TcpTargetSettings(
                name,
                now.address(),
                port,
                now.subsystems(),
                now.reactors(),
                now.maxConnections(),
                now.maxQueueEntries(),
                now.maxIoQueues(),
                now.inCapsuleBytes(),
                now.maxTransferBytes(),
                now.bufferMebibytes(),
                now.headerDigest(),
                now.dataDigest(),
                false);
    }

    @Override
    protected void closeListeners() {
        listener.close();
        if (second != null) {
            second.close();
        }
    }
}
