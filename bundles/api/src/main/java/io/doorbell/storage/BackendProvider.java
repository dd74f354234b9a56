package io.doorbell.storage;

/** Makes namespaces of one kind (a service). Control plane, any thread. */
public interface BackendProvider {

    /** The first word of a namespace's configuration: {@code null}, {@code memory}, {@code file}, {@code nvme}. */
    String kind();

    /**
     * Makes a namespace, or opens the one that is there: that keeps its size, whatever {@code spec} says, and {@link Namespace#resize} changes
     * it.
     *
     * @throws IllegalArgumentException for parameters that are wrong: which, where, what is allowed
     * @throws java.io.UncheckedIOException when the store cannot be opened
     */
    Namespace open(NamespaceSpec spec);

    /** Whether what it stores to is there now. Where it is not, {@link #onChange} tells when to ask again. */
    default boolean isThere(NamespaceSpec spec) {
        return true;
    }

    /** Has {@code changed} called, on a thread of its own, whenever {@link #isThere} may have become true; until closed. */
    default AutoCloseable onChange(Runnable changed) {
        return () -> {};
    }
}
