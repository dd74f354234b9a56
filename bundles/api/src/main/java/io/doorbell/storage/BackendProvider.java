package io.doorbell.storage;

/** Makes namespaces of one kind (a service). Control plane, any thread. */
public interface BackendProvider {

    /** The first word of a namespace's configuration: {@code null}, {@code memory}, {@code file}. */
    String kind();

    /**
     * Makes a namespace, or opens the one that is there: that keeps its size, whatever {@code spec} says, and {@link Namespace#resize} changes
     * it.
     *
     * @throws IllegalArgumentException for parameters that are wrong: which, where, what is allowed
     * @throws java.io.UncheckedIOException when the store cannot be opened
     */
    Namespace open(NamespaceSpec spec);
}
