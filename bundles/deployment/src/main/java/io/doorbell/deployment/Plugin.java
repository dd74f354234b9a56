package io.doorbell.deployment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.jar.JarFile;
import org.osgi.framework.Constants;
import org.osgi.framework.Version;

/**
 * A jar in {@code deploy/}, by what its manifest says.
 *
 * @param digest of the whole file: another content is another plug-in, even under the same name and version
 */
record Plugin(Path file, String symbolicName, Version version, String digest) {
    /** The newest first; of two files with one version, the one that is later in the alphabet. */
    static final Comparator<Plugin> NEWEST_FIRST =
            Comparator.comparing(Plugin::version).thenComparing(Plugin::file).reversed();

    /** @throws IOException where it is no bundle, or not the whole of one yet */
    static Plugin read(Path file) throws IOException {
        try (var jar = new JarFile(file.toFile())) {
            var manifest = jar.getManifest();
            var name = manifest == null ? null : manifest.getMainAttributes().getValue(Constants.BUNDLE_SYMBOLICNAME);
            if (name == null) {
                throw new IOException("no bundle: its manifest has no " + Constants.BUNDLE_SYMBOLICNAME);
            }
            var version = manifest.getMainAttributes().getValue(Constants.BUNDLE_VERSION);
            return new Plugin(file, name.split(";", 2)[0].strip(), Version.parseVersion(version), digest(file));
        } catch (IllegalArgumentException e) {
            throw new IOException("its " + Constants.BUNDLE_VERSION + " is no version", e);
        }
    }

    private static String digest(Path file) throws IOException {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    boolean isSameAs(Plugin other) {
        return other != null && digest.equals(other.digest);
    }

    @Override
    public String toString() {
        return symbolicName + " " + version + " (" + file.getFileName() + ")";
    }
}
