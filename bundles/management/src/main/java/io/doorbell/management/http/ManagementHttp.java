package io.doorbell.management.http;

import io.doorbell.platform.PortHolder;
import io.doorbell.platform.PrivateFile;
import jakarta.servlet.Servlet;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Hashtable;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.felix.hc.api.FormattingResultLog;
import org.apache.felix.hc.api.HealthCheck;
import org.apache.felix.hc.api.Result;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.cm.ConfigurationPlugin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.servlet.context.ServletContextHelper;
import org.osgi.service.servlet.runtime.HttpServiceRuntime;
import org.osgi.service.servlet.whiteboard.HttpWhiteboardConstants;
import org.osgi.util.tracker.ServiceTracker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves the MBeans on a port: by HTTP on loopback, or by HTTPS where there is a keystore. Jetty listens only while this component is active and everything it guards is
 * in place: it runs on the configuration that this component makes. Where something is in the way the log says what to
 * do, as does {@code var/management.problem}, and the node goes on without HTTP; a port that is taken is tried again until it is not.
 */
@Component(
        service = {},
        configurationPid = HttpOptions.PID)
@Designate(ocd = HttpOptions.class)
public final class ManagementHttp {
    /** PID of Felix HTTP (Jetty). The launcher tells it not to listen without a configuration. */
    private static final String JETTY_PID = "org.apache.felix.http";

    private static final String KEYSTORE_PASSWORD = "org.apache.felix.https.keystore.password";

    private static final Duration EXPIRY_WARNING = Duration.ofDays(30);

    /** Threads are virtual; this many requests at once are enough for people and for what polls. */
    private static final int MAX_REQUESTS = 32;

    private static final int IDLE_TIMEOUT_MILLIS = 60_000;

    /** Jetty starts and stops on a thread of Config Admin; both take some milliseconds on a machine that is idle. */
    private static final Duration START_BOUND = Duration.ofSeconds(30);

    private static final Duration END_BOUND = Duration.ofSeconds(5);

    /** How often it is looked who has the port while Jetty has not started. */
    private static final long LOOK_MILLIS = 1_000;

    private static final long POLL_MILLIS = 5;

    private static final Logger LOG = LoggerFactory.getLogger(ManagementHttp.class);

    /** Another node may be about to end. */
    private static final Duration RETRY = Duration.ofSeconds(5);

    private final AddressFile addressFile;

    /** Guarded by this. */
    private final Deque<AutoCloseable> undo = new ArrayDeque<>();

    /** Null where the first try settled it. */
    private Thread opening;

    private volatile boolean ended;

    @Activate
    public ManagementHttp(BundleContext context, @Reference ConfigurationAdmin configurations, HttpOptions options) {
        addressFile = new AddressFile(Path.of(context.getProperty("doorbell.home")));
        addressFile.close();
        if (!options.http_enabled()) {
            LOG.info("management over HTTP is off: http.enabled = false in config/{}.cfg", HttpOptions.PID);
            return;
        }
        if (!isSettled(context, configurations, options, false)) {
            opening = Thread.ofVirtual().name("management").start(() -> keepOpening(context, configurations, options));
        }
    }

    private void keepOpening(BundleContext context, ConfigurationAdmin configurations, HttpOptions options) {
        do {
            try {
                Thread.sleep(RETRY);
            } catch (InterruptedException ended) {
                return;
            }
        } while (!isSettled(context, configurations, options, true));
    }

    /** Whether it is open, or in vain: only a port that is taken is free later without a change of the configuration. */
    private synchronized boolean isSettled(
            BundleContext context, ConfigurationAdmin configurations, HttpOptions options, boolean told) {
        if (ended) {
            return true;
        }
        try {
            open(context, configurations, options);
            return true;
        } catch (BindException taken) {
            close();
            refuse(taken.getMessage(), told);
            return false;
        } catch (PrivateFile.Refused e) {
            close();
            refuse(e.getMessage(), false);
        } catch (IOException e) {
            close();
            refuse(e.toString(), false);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
        return true;
    }

    private void refuse(String problem, boolean told) {
        addressFile.refuse("no management over HTTP: " + problem);
        if (!told) {
            LOG.error("no management over HTTP: {}", problem);
        }
    }

    private void open(BundleContext context, ConfigurationAdmin configurations, HttpOptions options)
            throws IOException {
        var home = Path.of(context.getProperty("doorbell.home"));
        var passwordFile = home.resolve(options.password_file());
        var operator = login("user", options.user(), passwordFile);
        var monitor = login("monitor.user", options.monitor_user(), home.resolve(options.monitor_password_file()));
        if (operator.user().equals(monitor.user())) {
            throw new PrivateFile.Refused("monitor.user = " + monitor.user() + " in config/" + HttpOptions.PID
                    + ".cfg: is to be another one than user");
        }
        var tls = options.tls_keystore().isEmpty()
                ? null
                : TlsKey.read(home.resolve(options.tls_keystore()), home.resolve(options.tls_keystore_password_file()));
        var address = address(options.address(), tls);
        int port = freePort(address, options.port());
        var site = new Site(address, port, tls);
        if (tls != null) {
            watch(context, tls);
        }
        serve(context, new Gate(site, operator, monitor));
        listen(context, configurations, site, options.user(), passwordFile);
    }

    /** Basic authentication over a network that others share would give the password away. */
    private static InetAddress address(String literal, TlsKey tls) throws IOException {
        var said = "address = " + literal + " in config/" + HttpOptions.PID + ".cfg: ";
        try {
            var address = InetAddress.ofLiteral(literal);
            if (tls == null && !address.isLoopbackAddress()) {
                throw new PrivateFile.Refused(
                        said + "other machines reach it, and without TLS passwords would be on the network for all to"
                                + " read. Set tls.keystore, or stay at 127.0.0.1 and use a tunnel: ssh -L 8181:127.0.0.1:8181 NODE");
            }
            return address;
        } catch (IllegalArgumentException e) {
            throw new PrivateFile.Refused(said + "is to be a literal address, such as 127.0.0.1, 0.0.0.0 or ::1");
        }
    }

    /** A certificate that ends shuts every client out at once. */
    private void watch(BundleContext context, TlsKey tls) {
        HealthCheck check = () -> {
            var left = Duration.between(Instant.now(), tls.expiresAt());
            var log = new FormattingResultLog();
            log.info("the certificate of management in {} holds until {}", tls.keystore(), tls.expiresAt());
            if (left.compareTo(EXPIRY_WARNING) < 0) {
                log.warn(
                        "the certificate of management in {} {}: put a new one there, and another value into config/{}.cfg or"
                                + " start the node anew",
                        tls.keystore(),
                        left.isNegative() ? "has expired" : "expires in " + left.toDays() + " days",
                        HttpOptions.PID);
            }
            return new Result(log);
        };
        var properties = new Hashtable<String, Object>();
        properties.put(HealthCheck.NAME, "management-certificate");
        properties.put(HealthCheck.TAGS, new String[] {"ready"});
        var registered = context.registerService(HealthCheck.class, check, properties);
        undo.push(registered::unregister);
    }

    private static Gate.Login login(String key, String user, Path passwordFile) throws IOException {
        if (user.contains(":")) {
            throw new PrivateFile.Refused(
                    key + " = " + user + " in config/" + HttpOptions.PID + ".cfg: a user name has no colon");
        }
        return new Gate.Login(user, PasswordFile.passwordIn(passwordFile));
    }

    /**
     * The port itself, or a free one for 0. Jetty would log a stack trace.
     *
     * @throws BindException where it cannot be had; says who has it, and what to do
     */
    private static int freePort(InetAddress address, int wanted) throws BindException {
        try {
            return bound(address, wanted);
        } catch (IOException e) {
            throw taken(address, wanted, e.getMessage());
        }
    }

    private static BindException taken(InetAddress address, int wanted, String why) {
        var who = PortHolder.tcp(address, wanted)
                .map(holder -> ": " + holder + " has it")
                .orElse("");
        return new BindException("port " + wanted + " of " + address.getHostAddress() + " cannot be had (" + why + ")"
                + who + ". Free it (it is tried again every " + RETRY.toSeconds() + " s), or set port in config/"
                + HttpOptions.PID + ".cfg to another one, or to 0 for any free one; that takes effect at once");
    }

    /** The port, after it was tried: the same way as Jetty does it. */
    private static int bound(InetAddress address, int port) throws IOException {
        try (var probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(address, port));
            return probe.getLocalPort();
        }
    }

    private static boolean isAnothers(InetAddress address, int port) {
        return PortHolder.tcp(address, port)
                .filter(holder -> holder.pid() != ProcessHandle.current().pid())
                .isPresent();
    }

    private void serve(BundleContext context, Gate gate) {
        var root = new Hashtable<String, Object>();
        root.put(HttpWhiteboardConstants.HTTP_WHITEBOARD_CONTEXT_NAME, GuardedContext.NAME);
        root.put(HttpWhiteboardConstants.HTTP_WHITEBOARD_CONTEXT_PATH, "/");
        // Above the context that Felix itself has at the same path, which asks nobody for a password.
        root.put("service.ranking", Integer.MAX_VALUE);
        var registered = context.registerService(
                ServletContextHelper.class, new GuardedContext(context.getBundle(), gate), root);
        undo.push(registered::unregister);

        register(context, new PageServlet(), "page", "/");
        register(context, new JolokiaServlet(context), "jolokia", "/jolokia", "/jolokia/*");
    }

    private void register(BundleContext context, Servlet servlet, String name, String... patterns) {
        var properties = new Hashtable<String, Object>();
        properties.put(
                HttpWhiteboardConstants.HTTP_WHITEBOARD_CONTEXT_SELECT,
                "(" + HttpWhiteboardConstants.HTTP_WHITEBOARD_CONTEXT_NAME + "=" + GuardedContext.NAME + ")");
        properties.put(HttpWhiteboardConstants.HTTP_WHITEBOARD_SERVLET_NAME, name);
        properties.put(HttpWhiteboardConstants.HTTP_WHITEBOARD_SERVLET_PATTERN, patterns);
        properties.put(HttpWhiteboardConstants.HTTP_WHITEBOARD_SERVLET_ASYNC_SUPPORTED, true);
        var init = HttpWhiteboardConstants.HTTP_WHITEBOARD_SERVLET_INIT_PARAM_PREFIX;
        properties.put(init + "agentId", "doorbell");
        properties.put(init + "discoveryEnabled", "false");
        properties.put(init + "allowErrorDetails", "false");
        properties.put(init + "allowDnsReverseLookup", "false");
        var registered = context.registerService(Servlet.class, servlet, properties);
        undo.push(registered::unregister);
    }

    /** Last, so that nothing is served before the gate is there. */
    private void listen(
            BundleContext context, ConfigurationAdmin configurations, Site site, String user, Path passwordFile)
            throws IOException {
        var jetty = new JettyTracker(context, site, user, passwordFile, addressFile);
        jetty.open();
        undo.push(jetty::close);
        undo.push(addressFile::close);
        var settings = new Hashtable<String, Object>(Map.of(
                "org.apache.felix.http.host",
                site.address().getHostAddress(),
                "org.apache.felix.http.timeout",
                IDLE_TIMEOUT_MILLIS,
                "org.apache.felix.http.jetty.virtualthreads.enable",
                true,
                "org.apache.felix.http.jetty.threadpool.max",
                MAX_REQUESTS,
                "org.apache.felix.http.jetty.acceptors",
                1,
                "org.apache.felix.http.jetty.selectors",
                1,
                "org.apache.felix.http.jetty.sendServerHeader",
                false));
        if (site.tls() == null) {
            settings.put("org.osgi.service.http.port", site.port());
        } else {
            settings.put("org.apache.felix.http.enable", false);
            settings.put("org.apache.felix.https.enable", true);
            settings.put("org.osgi.service.http.port.secure", site.port());
            settings.put(
                    "org.apache.felix.https.keystore", site.tls().keystore().toString());
            settings.put("org.apache.felix.https.keystore.type", site.tls().type());
            settings.put("org.apache.felix.https.jetty.protocols.included", new String[] {"TLSv1.3", "TLSv1.2"});
            supplyPassword(context, site.tls().password());
        }
        var configuration = configurations.getConfiguration(JETTY_PID, "?");
        undo.push(() -> {
            configuration.delete();
            awaitFree(site.address(), site.port());
        });
        configuration.update(settings);
        jetty.awaitStart();
    }

    /** On the way to Jetty, since Config Admin keeps what it is given in a file. */
    private void supplyPassword(BundleContext context, String password) {
        ConfigurationPlugin plugin = (_, properties) -> properties.put(KEYSTORE_PASSWORD, password);
        var target = new Hashtable<String, Object>();
        target.put(ConfigurationPlugin.CM_TARGET, new String[] {JETTY_PID});
        target.put(ConfigurationPlugin.CM_RANKING, 1);
        var registered = context.registerService(ConfigurationPlugin.class, plugin, target);
        undo.push(registered::unregister);
    }

    /**
     * Returns when Jetty has let the port go, the last of what it does. Whatever is registered before meets a whiteboard
     * that is half gone. Its service goes first, so that one says nothing.
     */
    private static void awaitFree(InetAddress address, int port) throws InterruptedException {
        var deadline = System.nanoTime() + END_BOUND.toNanos();
        while (System.nanoTime() - deadline < 0) {
            try {
                bound(address, port);
                return;
            } catch (IOException e) {
                if (isAnothers(address, port)) {
                    return;
                }
                Thread.sleep(POLL_MILLIS);
            }
        }
        LOG.warn("Jetty still listens on port {} after {} s", port, END_BOUND.toSeconds());
    }

    @Deactivate
    void deactivate() {
        ended = true;
        if (opening != null) {
            opening.interrupt();
        }
        close();
        addressFile.close();
    }

    private synchronized void close() {
        while (!undo.isEmpty()) {
            try {
                undo.pop().close();
            } catch (Exception e) {
                LOG.warn("management over HTTP does not end in order", e);
            }
        }
    }

    /** Says when Jetty listens, or that it does not. A node that is told to stop while it starts would get in its way, so it is waited for. */
    private static final class JettyTracker extends ServiceTracker<HttpServiceRuntime, HttpServiceRuntime> {
        private static final String ENDPOINT = "osgi.http.endpoint";

        private final Site site;
        private final String user;
        private final Path passwordFile;
        private final AddressFile addressFile;
        private final CountDownLatch started = new CountDownLatch(1);
        private volatile boolean listens;

        JettyTracker(BundleContext context, Site site, String user, Path passwordFile, AddressFile addressFile) {
            super(context, HttpServiceRuntime.class, null);
            this.site = site;
            this.user = user;
            this.passwordFile = passwordFile;
            this.addressFile = addressFile;
        }

        @Override
        public HttpServiceRuntime addingService(ServiceReference<HttpServiceRuntime> reference) {
            if (reference.getProperty(ENDPOINT) instanceof String[] endpoints && endpoints.length > 0) {
                addressFile.write(site);
                LOG.info("management at {}/jolokia, user {}, password in {}", site.url(), user, passwordFile);
                if (site.tls() != null) {
                    LOG.info("its certificate has the SHA-256 {}", site.tls().fingerprint());
                }
                listens = true;
            }
            started.countDown();
            return super.addingService(reference);
        }

        /** @throws BindException where it does not: somebody else was faster, between our look at the port and Jetty's */
        void awaitStart() throws BindException {
            var deadline = System.nanoTime() + START_BOUND.toNanos();
            try {
                while (!started.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
                    if (isAnothers(site.address(), site.port())) {
                        throw taken(site.address(), site.port(), "it was free a moment ago");
                    }
                    if (System.nanoTime() - deadline > 0) {
                        throw taken(
                                site.address(),
                                site.port(),
                                "Jetty has not started in " + START_BOUND.toSeconds() + " s");
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            if (!listens) {
                throw taken(site.address(), site.port(), "Jetty does not listen, see the lines before");
            }
        }
    }
}
