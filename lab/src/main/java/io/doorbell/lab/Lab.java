package io.doorbell.lab;

import java.util.List;

/**
 * A machine to be booted and the cases that run in it. One class is read on both sides: the host takes the machine from it, the
 * guest the cases.
 */
public interface Lab {
    /** As on the command line: {@code ./doorbell lab NAME}. */
    String name();

    /** Modules of the guest's kernel, loaded before the first case; what they need is loaded too. */
    List<String> modules();

    /** Arguments for QEMU beside those of every lab; {@code images} is an empty folder for disk images. */
    List<String> devices(Images images);

    /** Debian's packages that the guest needs beside those of every lab: unpacked into {@code $LAB_MORE}. */
    default List<String> packages() {
        return List.of();
    }

    /** Lines of shell that the guest runs before the first case, when the modules are there. */
    default List<String> preparation() {
        return List.of();
    }

    /** The network namespace that the cases run in, which {@link #preparation} has made; empty for the first one. */
    default String networkNamespace() {
        return "";
    }

    /** Of the JVM that runs the cases. What is about right and wrong is over sooner without the compiler for what runs long. */
    default String javaOptions() {
        return "-XX:TieredStopAtLevel=1";
    }

    /** In the order in which they run. */
    List<Case> cases();

    /** Those of them that {@code ./doorbell test} runs: all, where they do not take long. */
    default List<Case> quickCases() {
        return cases();
    }

    /** Makes disk images: files full of zeros that take no room until something is written. */
    @FunctionalInterface
    interface Images {
        /** @return its path */
        String sparse(String name, long bytes);
    }
}
