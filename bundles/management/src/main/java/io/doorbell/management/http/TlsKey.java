package io.doorbell.management.http;

import io.doorbell.platform.PrivateFile;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/**
 * The key with which management speaks TLS, and its certificate, from a keystore of the operator's. Looked at before Jetty sees it, which
 * tells of a keystore that does not serve by a stack trace.
 *
 * @param names that the certificate is for, in lower case: of DNS, also with {@code *.} before them, and literal addresses
 */
record TlsKey(Path keystore, String type, String password, X509Certificate certificate, List<String> names) {
    static final String REMEDY = "keytool -genkeypair -alias doorbell -keyalg EC -validity 825 -dname CN=NAME"
            + " -ext SAN=dns:NAME,dns:localhost,ip:127.0.0.1 -keystore FILE makes one";

    private static final int MAX_PASSWORD_BYTES = 1024;

    /** Kinds of names in certificates. RFC 5280 §4.2.1.6 "Subject Alternative Name". */
    private static final int DNS_NAME = 2;

    private static final int IP_ADDRESS = 7;

    private static final String WILDCARD = "*.";

    /** @throws PrivateFile.Refused where the keystore does not serve; the message has what is to be done, and no password */
    static TlsKey read(Path keystore, Path passwordFile) throws IOException {
        if (!Files.isReadable(keystore)) {
            throw new PrivateFile.Refused("there is no keystore " + keystore + " that the node may read: " + REMEDY);
        }
        var password = PrivateFile.line(passwordFile, "the password of the keystore", MAX_PASSWORD_BYTES);
        try {
            var store = KeyStore.getInstance(keystore.toFile(), password.toCharArray());
            var alias = onlyKey(keystore, store);
            store.getKey(alias, password.toCharArray());
            if (!(store.getCertificate(alias) instanceof X509Certificate certificate)) {
                throw new PrivateFile.Refused(keystore + " has no X.509 certificate for its key: " + REMEDY);
            }
            var names = names(certificate);
            if (names.isEmpty()) {
                throw new PrivateFile.Refused(
                        "the certificate in " + keystore + " names nothing that it is for (no subject"
                                + " alternative name), so no client can know it: " + REMEDY);
            }
            return new TlsKey(keystore, store.getType(), password, certificate, names);
        } catch (GeneralSecurityException | IOException e) {
            if (e instanceof PrivateFile.Refused refused) {
                throw refused;
            }
            // What is said of a keystore is said of its file; the password is in none of it.
            throw new PrivateFile.Refused(keystore + " cannot be opened with the password in " + passwordFile + " ("
                    + e.getMessage() + "): PKCS12 or JKS, and the key has the password of the keystore");
        }
    }

    private static String onlyKey(Path keystore, KeyStore store) throws GeneralSecurityException, IOException {
        var keys = new ArrayList<String>();
        for (var alias : Collections.list(store.aliases())) {
            if (store.isKeyEntry(alias)) {
                keys.add(alias);
            }
        }
        if (keys.size() != 1) {
            throw new PrivateFile.Refused(keystore + " has " + keys.size() + " keys, and one is wanted: " + REMEDY);
        }
        return keys.getFirst();
    }

    private static List<String> names(X509Certificate certificate) throws CertificateParsingException {
        Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
        return alternatives == null
                ? List.of()
                : alternatives.stream()
                        .filter(name ->
                                name.get(0).equals(DNS_NAME) || name.get(0).equals(IP_ADDRESS))
                        .map(name -> ((String) name.get(1)).toLowerCase(Locale.ROOT))
                        .toList();
    }

    /** Whether the certificate is for a host as a URL names it. */
    boolean covers(String host) {
        var name = host.toLowerCase(Locale.ROOT);
        if (name.startsWith("[") && name.endsWith("]")) {
            return coversLiteral(name.substring(1, name.length() - 1));
        }
        int dot = name.indexOf('.');
        return names.contains(name)
                || dot > 0 && !name.matches("[0-9.]+") && names.contains(WILDCARD + name.substring(dot + 1));
    }

    /** One address of IPv6 is spelled in many ways. */
    private boolean coversLiteral(String literal) {
        try {
            var address = InetAddress.ofLiteral(literal);
            return names.stream()
                    .filter(name -> name.indexOf(':') >= 0)
                    .anyMatch(name -> InetAddress.ofLiteral(name).equals(address));
        } catch (IllegalArgumentException noAddress) {
            return false;
        }
    }

    /** By which a client on this machine reaches it: the address where the certificate has it, else the first name that it has. */
    String localHost(InetAddress address) {
        var literals = address.isAnyLocalAddress() ? List.of("127.0.0.1", "localhost") : List.of(Site.literal(address));
        return literals.stream()
                .filter(this::covers)
                .findFirst()
                .or(() -> names.stream()
                        .filter(name -> !name.startsWith(WILDCARD))
                        .map(name -> name.indexOf(':') < 0 ? name : "[" + name + "]")
                        .findFirst())
                .orElse(literals.getFirst());
    }

    /** SHA-256 of the certificate, in hexadecimal digits: by it a client knows the node without anybody's word. */
    String fingerprint() {
        try {
            var digest = MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
            return HexFormat.of().formatHex(digest);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has SHA-256, and the certificate was read", e);
        }
    }

    Instant expiresAt() {
        return certificate.getNotAfter().toInstant();
    }

    /** Without the password: records end up in messages. */
    @Override
    public String toString() {
        return "the key in " + keystore;
    }
}
