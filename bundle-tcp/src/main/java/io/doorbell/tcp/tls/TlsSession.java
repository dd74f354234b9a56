package io.doorbell.tcp.tls;

import io.doorbell.nvme.DhchapHash;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.TlsKey;
import io.doorbell.nvme.TlsPskIdentity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Hashtable;
import java.util.Vector;
import java.util.function.Function;
import org.bouncycastle.tls.AbstractTlsClient;
import org.bouncycastle.tls.AbstractTlsServer;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.BasicTlsPSKExternal;
import org.bouncycastle.tls.CipherSuite;
import org.bouncycastle.tls.NamedGroup;
import org.bouncycastle.tls.PRFAlgorithm;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.PskIdentity;
import org.bouncycastle.tls.PskKeyExchangeMode;
import org.bouncycastle.tls.TlsAuthentication;
import org.bouncycastle.tls.TlsClientProtocol;
import org.bouncycastle.tls.TlsCredentials;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.TlsPSK;
import org.bouncycastle.tls.TlsPSKExternal;
import org.bouncycastle.tls.TlsProtocol;
import org.bouncycastle.tls.TlsServerProtocol;
import org.bouncycastle.tls.TlsUtils;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.bouncycastle.tls.crypto.impl.jcajce.JcaTlsCryptoProvider;

/**
 * TLS 1.3 with a pre-shared key, as bytes go in and come out: no socket, no thread. NVMe over TCP Transport 1.1 §3.6.1 "TLS Implementations and Use
 * Requirements": psk_dhe_ke alone, and two cipher suites. By Bouncy Castle, since the JDK's TLS has no external keys; its ciphers are the JDK's.
 *
 * <p>After any exception the session is at its end; what {@link #readOutput} still has tells the peer why. Owner: one thread at a time.
 */
public final class TlsSession {
    private static final SecureRandom RANDOM = new SecureRandom();

    /** Quick ones, which all TLS libraries have. */
    private static final int[] GROUPS = {NamedGroup.x25519, NamedGroup.secp256r1, NamedGroup.secp384r1};

    /** A handshake message with every extension there is has some hundred bytes. */
    private static final int MAX_HANDSHAKE_BYTES = 16 << 10;

    private final TlsProtocol protocol;
    private TlsPskIdentity identity;

    private TlsSession(TlsProtocol protocol) {
        this.protocol = protocol;
    }

    /**
     * For who is connected to.
     *
     * @param keys the key of an identity that a client named, or null where there is none; asked during {@link #offer}
     */
    public static TlsSession server(Function<TlsPskIdentity, TlsKey> keys) throws IOException {
        var protocol = new TlsServerProtocol();
        var session = new TlsSession(protocol);
        protocol.accept(session.new Server(crypto(), keys));
        return session;
    }

    /** For who connects; its first message is there to be sent. */
    public static TlsSession client(TlsKey key, TlsPskIdentity identity) throws IOException {
        var protocol = new TlsClientProtocol();
        var session = new TlsSession(protocol);
        session.identity = identity;
        protocol.connect(new Client(crypto(), key, identity));
        return session;
    }

    /** Shakes hands with itself: the first handshake of a process takes seconds on a busy machine, and the next some milliseconds. */
    public static void warmUp() throws IOException {
        var key = TlsKey.generate(DhchapHash.SHA_256, RANDOM);
        var identity = key.identity(0, Nqn.DISCOVERY, Nqn.DISCOVERY);
        var client = client(key, identity);
        var server = server(_ -> key);
        for (int i = 0; i < 2; i++) {
            pass(client, server);
            pass(server, client);
        }
    }

    private static void pass(TlsSession from, TlsSession to) throws IOException {
        var bytes = new byte[from.outputAvailable()];
        to.offer(bytes, 0, from.readOutput(bytes, 0, bytes.length));
    }

    private static TlsCrypto crypto() {
        return new JcaTlsCryptoProvider().create(RANDOM);
    }

    /** Takes what the peer sent. */
    public void offer(byte[] bytes, int offset, int count) throws IOException {
        protocol.offerInput(bytes, offset, count);
    }

    /** Until then nothing can be {@link #write}n. */
    public boolean isHandshaking() {
        return protocol.isHandshaking();
    }

    /** The peer has ended it, or it has failed. */
    public boolean isClosed() {
        return protocol.isClosed();
    }

    /** As who the host has shown itself; null before the end of the handshake. */
    public TlsPskIdentity identity() {
        return isHandshaking() ? null : identity;
    }

    /** Bytes of the peer that wait to be read. */
    public int available() {
        return protocol.getAvailableInputBytes();
    }

    public int read(byte[] into, int offset, int count) {
        return protocol.readInput(into, offset, count);
    }

    /** Encrypts. */
    public void write(byte[] from, int offset, int count) throws IOException {
        protocol.writeApplicationData(from, offset, count);
    }

    /** Bytes that wait to be sent to the peer. */
    public int outputAvailable() {
        return protocol.getAvailableOutputBytes();
    }

    public int readOutput(byte[] into, int offset, int count) {
        return protocol.readOutput(into, offset, count);
    }

    /** Says that nothing follows. */
    public void close() throws IOException {
        protocol.close();
    }

    private static int suite(DhchapHash hash) {
        return hash == DhchapHash.SHA_256 ? CipherSuite.TLS_AES_128_GCM_SHA256 : CipherSuite.TLS_AES_256_GCM_SHA384;
    }

    private static TlsPSKExternal psk(TlsCrypto crypto, TlsKey key, TlsPskIdentity identity) {
        return new BasicTlsPSKExternal(
                identity.text().getBytes(StandardCharsets.UTF_8),
                crypto.createSecret(key.psk(identity)),
                identity.hash() == DhchapHash.SHA_256
                        ? PRFAlgorithm.tls13_hkdf_sha256
                        : PRFAlgorithm.tls13_hkdf_sha384);
    }

    private final class Server extends AbstractTlsServer {
        private final Function<TlsPskIdentity, TlsKey> keys;

        Server(TlsCrypto crypto, Function<TlsPskIdentity, TlsKey> keys) {
            super(crypto);
            this.keys = keys;
        }

        /** Asked before anything is chosen: the key decides on the cipher suite. */
        @Override
        @SuppressWarnings("rawtypes") // As it is declared.
        public TlsPSKExternal getExternalPSK(Vector identities) {
            identity = null;
            for (var each : identities) {
                var named =
                        TlsPskIdentity.parse(new String(((PskIdentity) each).getIdentity(), StandardCharsets.UTF_8));
                var key = named == null ? null : keys.apply(named);
                if (key != null && key.suite() == named.hash() && key.hasIdentity(named)) {
                    identity = named;
                    return psk(getCrypto(), key, named);
                }
            }
            return null;
        }

        /** There is nothing to fall back on. */
        @Override
        @SuppressWarnings("rawtypes")
        public void processClientExtensions(Hashtable clientExtensions) throws IOException {
            if (identity == null) {
                throw new TlsFatalAlert(AlertDescription.unknown_psk_identity);
            }
            super.processClientExtensions(clientExtensions);
        }

        @Override
        public int getSelectedCipherSuite() throws IOException {
            int wanted = suite(identity.hash());
            for (int offered : offeredCipherSuites) {
                if (offered == wanted) {
                    selectedCipherSuite = wanted;
                    return wanted;
                }
            }
            throw new TlsFatalAlert(AlertDescription.handshake_failure, "a key for another cipher suite");
        }

        @Override
        protected ProtocolVersion[] getSupportedVersions() {
            return ProtocolVersion.TLSv13.only();
        }

        @Override
        protected int[] getSupportedCipherSuites() {
            return new int[] {CipherSuite.TLS_AES_256_GCM_SHA384, CipherSuite.TLS_AES_128_GCM_SHA256};
        }

        @Override
        public int[] getSupportedGroups() {
            return GROUPS;
        }

        @Override
        public short[] getPskKeyExchangeModes() {
            return new short[] {PskKeyExchangeMode.psk_dhe_ke};
        }

        @Override
        public int getMaxHandshakeMessageSize() {
            return MAX_HANDSHAKE_BYTES;
        }

        @Override
        public TlsCredentials getCredentials() {
            return null;
        }
    }

    private static final class Client extends AbstractTlsClient {
        private final TlsKey key;
        private final TlsPskIdentity identity;

        Client(TlsCrypto crypto, TlsKey key, TlsPskIdentity identity) {
            super(crypto);
            this.key = key;
            this.identity = identity;
        }

        @Override
        @SuppressWarnings({"rawtypes", "unchecked"}) // As it is declared.
        public Vector getExternalPSKs() {
            return TlsUtils.vectorOfOne(psk(getCrypto(), key, identity));
        }

        /** A server that knows the key answers with it; another one has no say. */
        @Override
        public void notifySelectedPSK(TlsPSK selected) throws IOException {
            if (selected == null) {
                throw new TlsFatalAlert(AlertDescription.handshake_failure);
            }
        }

        @Override
        public TlsAuthentication getAuthentication() throws IOException {
            throw new TlsFatalAlert(AlertDescription.handshake_failure);
        }

        @Override
        protected ProtocolVersion[] getSupportedVersions() {
            return ProtocolVersion.TLSv13.only();
        }

        @Override
        protected int[] getSupportedCipherSuites() {
            return new int[] {suite(identity.hash())};
        }

        @Override
        @SuppressWarnings({"rawtypes", "unchecked"})
        protected Vector getSupportedGroups(Vector roles) {
            var groups = new Vector<Integer>();
            for (int group : GROUPS) {
                groups.add(group);
            }
            return groups;
        }

        @Override
        public short[] getPskKeyExchangeModes() {
            return new short[] {PskKeyExchangeMode.psk_dhe_ke};
        }

        @Override
        public int getMaxHandshakeMessageSize() {
            return MAX_HANDSHAKE_BYTES;
        }
    }
}
