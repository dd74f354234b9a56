package io.doorbell.runtime.remote;

import io.doorbell.platform.PrivateFile;
import io.doorbell.runtime.HomeLock;
import io.doorbell.runtime.Refusal;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.SortedMap;
import java.util.TreeMap;
import javax.management.MalformedObjectNameException;
import org.jolokia.client.JolokiaClient;
import org.jolokia.client.JolokiaClientBuilder;
import org.jolokia.client.exception.JolokiaConnectException;
import org.jolokia.client.exception.JolokiaException;
import org.jolokia.client.exception.JolokiaRemoteException;
import org.jolokia.client.exception.JolokiaTimeoutException;
import org.jolokia.client.request.HttpMethod;
import org.jolokia.client.request.JolokiaExecRequest;
import org.jolokia.client.request.JolokiaMBeanRequest;
import org.jolokia.client.request.JolokiaReadRequest;

/**
 * The node that runs in a home on this machine, asked over Jolokia with the password that lies in that home; or one elsewhere, that is named by
 * its address. One thread. Whatever is in the way is a {@link Refusal} that says what to do.
 */
final class RunningNode implements AutoCloseable {
    private static final String DOMAIN = "io.doorbell:";
    private static final String CONFIGURATION = "config/io.doorbell.management.cfg";
    private static final int CONNECT_MILLIS = 5_000;

    /** The longest an operation takes: taking a lease back, with all its steps. */
    private static final int ANSWER_MILLIS = 60_000;

    private static final int MAX_PASSWORD_BYTES = 1024;

    /** Its home, or its address: for messages. */
    private final String where;

    private final String log;
    private final String url;
    private final String user;
    private final Path passwordFile;
    private final JolokiaClient client;

    private RunningNode(String where, String log, Address address, String user, Path passwordFile, String password) {
        this.where = where;
        this.log = log;
        this.url = address.url();
        this.user = user;
        this.passwordFile = passwordFile;
        var builder = new JolokiaClientBuilder()
                .url(URI.create(url + "/jolokia"))
                .user(user)
                .password(password)
                // A node that is slow says 100 when the JDK does not wait for it any more, and takes it for the answer.
                .expectContinue(false)
                .connectionTimeout(CONNECT_MILLIS)
                .socketTimeout(ANSWER_MILLIS);
        if (address.fingerprint() != null) {
            var pinned = PinnedCertificate.context(address.fingerprint());
            builder.withCustomizer(HttpClient.Builder.class, http -> http.sslContext(pinned));
        }
        this.client = builder.build();
    }

    /** @param fingerprint of the one certificate that is trusted there; null where the JDK is to decide, or there is none */
    private record Address(String url, String fingerprint) {}

    /** @throws Refusal where something of it is no address, or the password is out of reach */
    static RunningNode of(NodeElsewhere named) {
        var url = named.url().toString();
        return new RunningNode(
                url,
                "the log of that node",
                new Address(url, named.fingerprint()),
                named.user(),
                named.passwordFile(),
                password(named.passwordFile(), ""));
    }

    /** @throws Refusal where no node runs there, it does not listen, or the password is out of reach */
    static RunningNode of(Path home) {
        var absolute = home.toAbsolutePath().normalize();
        // First: a port that a node had once may be somebody else's now, and the password is not for them.
        if (!HomeLock.isHeld(absolute)) {
            throw new Refusal("no node runs in " + absolute + ". Start one: doorbell run --home '" + absolute
                    + "', or name another home with --home DIR or in DOORBELL_HOME");
        }
        var address = address(absolute);
        var settings = settings(absolute.resolve(CONFIGURATION));
        var passwordFile = absolute.resolve(settings.getProperty("password.file", "var/management.password"));
        return new RunningNode(
                absolute.toString(),
                absolute.resolve("var/log/doorbell.log").toString(),
                address,
                settings.getProperty("user", "admin"),
                passwordFile,
                password(passwordFile, ". Ask as the user that the node runs as"));
    }

    private static String password(Path file, String remedy) {
        try {
            return PrivateFile.line(file, "the password of management", MAX_PASSWORD_BYTES);
        } catch (PrivateFile.Refused e) {
            throw new Refusal(e.getMessage() + remedy);
        } catch (IOException e) {
            throw new Refusal(file + " cannot be read: " + e);
        }
    }

    private static Address address(Path home) {
        var file = home.resolve("var/management.url");
        try {
            var lines = Files.readAllLines(file);
            return new Address(
                    lines.getFirst().strip(), lines.size() > 1 ? lines.get(1).strip() : null);
        } catch (NoSuchFileException e) {
            throw new Refusal("the node in " + home + " runs, but " + whyNotAsked(home));
        } catch (IOException e) {
            throw new Refusal(file + " cannot be read: " + e + ". Ask as the user that the node runs as");
        }
    }

    private static String whyNotAsked(Path home) {
        var problem = home.resolve("var/management.problem");
        try {
            return "cannot be asked: "
                    + Table.printable(Files.readString(problem).strip())
                    + ". 'doorbell doctor' says who has which port";
        } catch (NoSuchFileException e) {
            return "does not listen for management (yet): ask again in a moment, look into "
                    + home.resolve("var/log/doorbell.log") + ", and whether " + home.resolve(CONFIGURATION)
                    + " has http.enabled = true";
        } catch (IOException e) {
            return "cannot be asked, and why is in " + problem + ", which cannot be read: " + e
                    + ". Ask as the user that the node runs as";
        }
    }

    private static Properties settings(Path file) {
        var settings = new Properties();
        if (Files.isReadable(file)) {
            try {
                for (var line : Files.readAllLines(file)) {
                    var equals = line.indexOf('=');
                    if (!line.strip().startsWith("#") && equals > 0) {
                        settings.setProperty(
                                line.substring(0, equals).strip(),
                                line.substring(equals + 1).strip());
                    }
                }
            } catch (IOException e) {
                throw new Refusal(file + " cannot be read: " + e);
            }
        }
        return settings;
    }

    /** Its home, or its address. */
    String where() {
        return where;
    }

    /** Where its log is, in words. */
    String log() {
        return log;
    }

    String url() {
        return url;
    }

    /** All attributes of {@code io.doorbell:type=TYPE}. */
    Row read(String type) {
        return new Row(asked(() -> new JolokiaReadRequest(DOMAIN + "type=" + type), type));
    }

    Object read(String type, String attribute) {
        return asked(() -> new JolokiaReadRequest(DOMAIN + "type=" + type, attribute), type);
    }

    /** Every MBean of a type that has several, by name; none where there are none. */
    SortedMap<String, Row> each(String type) {
        return named(DOMAIN + "type=" + type + ",*");
    }

    /** MBeans that a pattern names, with all their attributes. */
    SortedMap<String, Row> named(String pattern) {
        var rows = new TreeMap<String, Row>();
        try {
            Object found = client.execute(new JolokiaReadRequest(pattern), HttpMethod.POST)
                    .getValue();
            ((Map<?, ?>) found).forEach((name, attributes) -> rows.put((String) name, new Row(attributes)));
        } catch (JolokiaRemoteException e) {
            if (e.getStatus() != 404) {
                throw refused(e, pattern);
            }
        } catch (JolokiaException | MalformedObjectNameException e) {
            throw refused(e, pattern);
        }
        return rows;
    }

    Object execute(String type, String operation, Object... arguments) {
        return asked(() -> new JolokiaExecRequest(DOMAIN + "type=" + type, operation, arguments), type);
    }

    private Object asked(Request request, String type) {
        try {
            return client.execute(request.make(), HttpMethod.POST).getValue();
        } catch (JolokiaException | MalformedObjectNameException e) {
            throw refused(e, type);
        }
    }

    private Refusal refused(Exception e, String what) {
        return switch (e) {
            case JolokiaRemoteException remote -> refused(remote, what);
            case JolokiaConnectException _ ->
                new Refusal("the node of " + where + " does not answer at " + url + ": " + rootMessage(e));
            case JolokiaTimeoutException _ ->
                new Refusal("the node of " + where + " gave no answer within " + ANSWER_MILLIS / 1000 + " s");
            default -> new Refusal("the node of " + where + " cannot be asked: " + rootMessage(e));
        };
    }

    private Refusal refused(JolokiaRemoteException e, String what) {
        return new Refusal(
                switch (e.getStatus()) {
                    case 401 ->
                        "the node refuses user " + user + " with the password in " + passwordFile
                                + ". It reads its own password file when it starts, and when its " + CONFIGURATION
                                + " changes";
                    case 403 -> "user " + user + " may not do that: " + words(e);
                    case 404 -> "the node has no " + what + " now: is its plug-in deployed, and started?";
                    case 429 -> "too many wrong passwords were tried lately: wait some seconds";
                    default -> words(e);
                });
    }

    /** What the node said, without the name of the exception's class. */
    private static String words(JolokiaRemoteException e) {
        var said = e.getMessage() == null ? e.toString() : e.getMessage();
        return said.replaceFirst("^Error: ", "").replaceFirst("^[\\w.$]+(Exception|Error) : ", "");
    }

    private static String rootMessage(Throwable e) {
        var root = e;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        if (root instanceof ClosedChannelException) {
            return "nobody listens there"; // So the JDK's client tells of a connection that is refused.
        }
        return root.getMessage() == null ? root.toString() : root.getMessage();
    }

    @Override
    public void close() {
        try {
            client.close();
        } catch (IOException e) {
            throw new Refusal("the connection to " + url + " does not end in order: " + e.getMessage());
        }
    }

    @FunctionalInterface
    private interface Request {
        JolokiaMBeanRequest make() throws MalformedObjectNameException;
    }
}
