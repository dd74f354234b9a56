package io.doorbell.storage;

/** Makes namespaces of one kind (a service). Control plane, any thread. */
public interface BackendProvider {

    /** The first word of a namespace's configuration: {@code null}, {@code memory}, {@code file}. */
    String kind();

    /**
     * Makes or opens a namespace.
     *
     * @throws IllegalArgumentException for parameters that are wrong: which, where, what is allowed
     * @throws java.io.UncheckedIOException when the store cannot be opened
     */
    Namespace open(NamespaceSpec spec);
}
