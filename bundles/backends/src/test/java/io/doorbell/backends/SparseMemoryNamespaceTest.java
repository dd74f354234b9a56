package io.doorbell.backends;

import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.ResizableNamespaceContract;

class SparseMemoryNamespaceTest extends ResizableNamespaceContract {
    @Override
    protected Namespace make(BlockFormat format, long blockCount) {
        return new MemoryBackend(0).open(new NamespaceSpec("memory", format.blockBytes() * blockCount, format, ""));
    }
}
