package io.doorbell.management.http;

import io.doorbell.platform.DurableFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code var/management.url} of a home: where this node can be asked, for clients on this machine, since any free port may be
 * configured. It is there while the node listens; where it cannot, {@code var/management.problem} says in its place why.
 */
final class AddressFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AddressFile.class);

    private final Path file;
    private final Path problem;

    AddressFile(Path home) {
        this.file = home.resolve("var/management.url");
        this.problem = home.resolve("var/management.problem");
    }

    /**
     * As a whole: nobody reads half of it. The first line is the URL; where it is of HTTPS, the second has the SHA-256 of the certificate: who
     * finds it in the home knows the node by it.
     */
    void write(Site site) {
        delete(problem);
        replace(file, site.url() + "\n" + (site.tls() == null ? "" : site.tls().fingerprint() + "\n"));
    }

    /** One line for whoever asks a node that does not listen. */
    void refuse(String why) {
        replace(problem, why + "\n");
    }

    private static void replace(Path file, String text) {
        try {
            DurableFile.replace(file, text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            LOG.warn("{} cannot be written, so commands do not find this node: {}", file, e.toString());
        }
    }

    @Override
    public void close() {
        delete(file);
        delete(problem);
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.warn("{} cannot be deleted: {}", file, e.toString());
        }
    }
}
