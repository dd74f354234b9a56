package io.doorbell.pcie;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceContract;
import io.doorbell.storage.NamespaceSpec;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A namespace on a controller does what every namespace does: through leases, this driver, and a device in memory. */
class LeasedNamespaceTest extends NamespaceContract {
    private LeasedRig rig;
    private final List<Namespace> made = new ArrayList<>();

    @BeforeEach
    void open() {
        rig = new LeasedRig();
    }

    @AfterEach
    void close() {
        // The contract has closed its sessions already, or they are closed with their namespaces.
        made.forEach(Namespace::close);
        rig.close();
    }

    @Override
    protected Namespace make(BlockFormat format, long blockCount) {
        var stored =
                new MemoryBackend().open(new NamespaceSpec("memory", format.blockBytes() * blockCount, format, ""));
        var namespace = rig.leased(rig.device(stored));
        made.add(namespace);
        return namespace;
    }

    @Override
    protected boolean isFormatted() {
        return false;
    }
}
