package io.doorbell.management.http;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import org.osgi.framework.Bundle;
import org.osgi.service.servlet.context.ServletContextHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The root of what is served, with the {@link Gate} before it. */
final class GuardedContext extends ServletContextHelper {
    static final String NAME = "io.doorbell.management";

    /** Whoever tries passwords shall not fill the log: at most one line in this time. */
    private static final Duration LOG_INTERVAL = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(GuardedContext.class);

    private final Gate gate;
    // Guarded by this.
    private long lineAtNanos;
    private long refusals;

    GuardedContext(Bundle bundle, Gate gate) {
        super(bundle);
        this.gate = gate;
        this.lineAtNanos = System.nanoTime() - LOG_INTERVAL.toNanos();
    }

    @Override
    public boolean handleSecurity(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setHeader("Cache-Control", "no-store");
        response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
        response.setHeader("X-Content-Type-Options", "nosniff");
        response.setHeader("X-Frame-Options", "DENY");
        var verdict = gate.judge(
                request.getHeader("Host"),
                request.getHeader("Origin"),
                request.getHeader("Sec-Fetch-Site"),
                request.getHeader("Authorization"),
                System.nanoTime());
        switch (verdict) {
            case ADMITTED -> {
                return true;
            }
            case UNKNOWN -> challenge(response);
            case REFUSED -> {
                log("wrong user or password", request);
                challenge(response);
            }
            case TOO_MANY -> {
                log("too many wrong attempts", request);
                response.setHeader("Retry-After", "1");
                refuse(response, 429, "Too many wrong attempts: wait some seconds.");
            }
            case FOREIGN -> {
                log("sent by another site, or for another host", request);
                refuse(
                        response,
                        HttpServletResponse.SC_FORBIDDEN,
                        "Not from this site: use http://127.0.0.1 and the port.");
            }
        }
        return false;
    }

    private static void challenge(HttpServletResponse response) throws IOException {
        response.setHeader("WWW-Authenticate", "Basic realm=\"doorbell\", charset=\"UTF-8\"");
        refuse(response, HttpServletResponse.SC_UNAUTHORIZED, "User and password, please.");
    }

    private static void refuse(HttpServletResponse response, int status, String words) throws IOException {
        response.setStatus(status);
        response.setContentType("text/plain; charset=utf-8");
        response.getWriter().println(words);
    }

    /** Nothing that the client sent gets into the log: people type passwords where user names belong. */
    private synchronized void log(String why, HttpServletRequest request) {
        refusals++;
        var now = System.nanoTime();
        if (now - lineAtNanos >= LOG_INTERVAL.toNanos()) {
            LOG.warn(
                    "HTTP request from {} refused: {} ({} refused since the last such line)",
                    request.getRemoteAddr(),
                    why,
                    refusals);
            lineAtNanos = now;
            refusals = 0;
        }
    }
}
