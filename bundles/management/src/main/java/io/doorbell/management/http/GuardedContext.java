package io.doorbell.management.http;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.osgi.framework.Bundle;
import org.osgi.service.servlet.context.ServletContextHelper;

/** The root of what is served, with the {@link Gate} before it. */
final class GuardedContext extends ServletContextHelper {
    static final String NAME = "io.doorbell.management";

    private static final String OPERATOR = NAME + ".operator";

    private final Gate gate;
    private final RefusalLog log = new RefusalLog();

    GuardedContext(Bundle bundle, Gate gate) {
        super(bundle);
        this.gate = gate;
    }

    /** Whether who asks may change things: any servlet that does so looks here first. */
    static boolean isOperator(HttpServletRequest request) {
        return Boolean.TRUE.equals(request.getAttribute(OPERATOR));
    }

    @Override
    public boolean handleSecurity(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setHeader("Cache-Control", "no-store");
        response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
        response.setHeader("X-Content-Type-Options", "nosniff");
        response.setHeader("X-Frame-Options", "DENY");
        var nowNanos = System.nanoTime();
        var verdict = gate.judge(
                request.getHeader("Host"),
                request.getHeader("Origin"),
                request.getHeader("Sec-Fetch-Site"),
                request.getHeader("Authorization"),
                request.getRemoteAddr(),
                nowNanos);
        switch (verdict) {
            case OPERATOR, MONITOR -> {
                request.setAttribute(OPERATOR, verdict == Gate.Verdict.OPERATOR);
                return true;
            }
            case UNKNOWN -> challenge(request, response);
            case REFUSED -> {
                log.refused("wrong user or password", request.getRemoteAddr(), nowNanos);
                challenge(request, response);
            }
            case TOO_MANY -> {
                log.refused("too many wrong attempts", request.getRemoteAddr(), nowNanos);
                response.setHeader("Retry-After", "1");
                refuse(response, 429, "Too many wrong attempts: wait some seconds.");
            }
            case FOREIGN -> {
                log.refused("sent by another site, or for another host", request.getRemoteAddr(), nowNanos);
                refuse(
                        response,
                        HttpServletResponse.SC_FORBIDDEN,
                        "Not from this site: use the address that var/management.url has.");
            }
        }
        return false;
    }

    /** A script of a page is told without Basic, or the browser would put its own question before the page again and again. */
    private static void challenge(HttpServletRequest request, HttpServletResponse response) throws IOException {
        var scheme = "empty".equals(request.getHeader("Sec-Fetch-Dest")) ? "x-Basic" : "Basic";
        response.setHeader("WWW-Authenticate", scheme + " realm=\"doorbell\", charset=\"UTF-8\"");
        refuse(response, HttpServletResponse.SC_UNAUTHORIZED, "User and password, please.");
    }

    private static void refuse(HttpServletResponse response, int status, String words) throws IOException {
        response.setStatus(status);
        response.setContentType("text/plain; charset=utf-8");
        response.getWriter().println(words);
    }
}
