package io.doorbell.pcie;

import java.util.function.Consumer;

/** That a claimed function has gone, and who hears of it: whoever asks first, once, when it goes or at once. Any thread. */
public final class RemovalNotice {
    /** Why it is gone, or null. */
    private volatile String reason;

    // Guarded by this.
    private Consumer<String> listener;
    private boolean told;
    private boolean withdrawn;

    /** Why the function is gone, or null while it is not. */
    public String reason() {
        return reason;
    }

    /** See {@link io.doorbell.pci.PciAccess#onRemoval}. */
    public void to(Consumer<String> toTell) {
        synchronized (this) {
            listener = toTell;
        }
        tell();
    }

    /** The function has gone; the first reason stands. Nobody is told yet. Returns false when the claim has ended before. */
    public synchronized boolean gone(String why) {
        if (reason == null && !withdrawn) {
            reason = why;
        }
        return !withdrawn;
    }

    /** Tells whoever wants to hear of it, if it has gone and that was not done. With no lock held. */
    public void tell() {
        Consumer<String> teller;
        synchronized (this) {
            if (reason == null || told || listener == null || withdrawn) {
                return;
            }
            told = true;
            teller = listener;
        }
        teller.accept(reason);
    }

    /** The claim ends: nobody is told any more. Returns false when it had ended before. */
    public synchronized boolean withdraw() {
        boolean first = !withdrawn;
        withdrawn = true;
        return first;
    }
}
