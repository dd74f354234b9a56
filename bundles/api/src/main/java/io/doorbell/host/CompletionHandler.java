package io.doorbell.host;

/** What the owner of a queue pair does with a completed command. */
@FunctionalInterface
public interface CompletionHandler {

    /**
     * One command has ended. Called inside {@link QueuePair#poll} on the polling thread, once for each accepted command.
     * May submit to the same queue pair; must not block, throw, or call {@code poll}.
     *
     * @param token what the command was submitted with
     * @param status the 15 bits of the status field without the phase tag, 0 for success; see {@code io.doorbell.nvme.Status}
     * @param result dwords 0 and 1 of the completion, dword 0 in the low half
     */
    void complete(long token, int status, long result);
}
