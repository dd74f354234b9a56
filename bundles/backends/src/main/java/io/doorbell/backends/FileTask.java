package io.doorbell.backends;

import io.doorbell.storage.NvmRequest;

/**
 * One request on its way through the workers of a {@link FileNamespace}. The session owns it before it is queued and after
 * it came back; in between the worker does. Reused.
 */
final class FileTask {
    final FileSession session;
    /** The request; of a fused pair the Write. */
    NvmRequest request;
    /** The Compare of a fused pair, or null. */
    NvmRequest compare;

    int status;
    /** Link in whichever list it is in: free, waiting, done. */
    FileTask next;

    FileTask(FileSession session) {
        this.session = session;
    }
}
