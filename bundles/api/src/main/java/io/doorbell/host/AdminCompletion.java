package io.doorbell.host;

/** What an admin command answered: the status was success, {@code result} is dwords 0 and 1 of the completion. */
public record AdminCompletion(long result) {
    public int dw0() {
        return (int) result;
    }
}
