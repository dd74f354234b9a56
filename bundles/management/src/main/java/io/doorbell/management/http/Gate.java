package io.doorbell.management.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Who may come in: an operator, who may do everything, or a monitor, who may only look; each with a password, and no page of a foreign site
 * that happens to be open in the user's browser. Any thread.
 */
final class Gate {
    enum Verdict {
        OPERATOR,
        /** May read, and change nothing. */
        MONITOR,
        /** No credentials: ask for them. */
        UNKNOWN,
        /** Wrong ones. */
        REFUSED,
        /** Too many wrong ones lately: not even looked at. */
        TOO_MANY,
        /** A request that some other site made the browser send, or that was made for another host. */
        FOREIGN
    }

    /** So many wrong attempts of an address at once, then one in each {@link #NANOS_PER_ATTEMPT}. */
    static final int ATTEMPTS = 10;

    static final long NANOS_PER_ATTEMPT = 1_000_000_000L;

    /** So many addresses have their attempts counted by themselves, all others together: whoever guesses keeps nobody else out. */
    static final int ADDRESSES = 256;

    private static final String OTHERS = "others";

    private static final Pattern HOST = Pattern.compile("([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+])(:[0-9]{1,5})?");

    private static final Set<String> OWN_SITES = Set.of("same-origin", "none");
    private static final String BASIC = "basic ";

    private final Site site;
    private final byte[] operator;
    private final byte[] monitor;

    // Guarded by this. An attempt is judged whole, or parallel ones would pass before the first is counted.
    /** By address, when the last of its wrong attempts is forgiven. */
    private final Map<String, Long> forgivenAtNanos = new HashMap<>();

    /** A user, and the password. */
    record Login(String user, String password) {
        private byte[] digested() {
            return digest((user + ":" + password).getBytes(StandardCharsets.UTF_8));
        }
    }

    Gate(Site site, Login operator, Login monitor) {
        this.site = site;
        this.operator = operator.digested();
        this.monitor = monitor.digested();
    }

    /**
     * Judges the headers of a request; each may be null.
     *
     * @param fetchSite {@code Sec-Fetch-Site}: what a browser says of who asks
     * @param address whose attempts count together
     */
    synchronized Verdict judge(
            String host, String origin, String fetchSite, String authorization, String address, long nowNanos) {
        if (!fromHere(host, origin, fetchSite)) {
            return Verdict.FOREIGN;
        }
        if (authorization == null) {
            return Verdict.UNKNOWN;
        }
        if (exhausted(address, nowNanos)) {
            return Verdict.TOO_MANY;
        }
        var given = digest(credentials(authorization));
        // Both, always: how long it takes tells nothing.
        boolean isOperator = MessageDigest.isEqual(operator, given);
        boolean isMonitor = MessageDigest.isEqual(monitor, given);
        if (isOperator || isMonitor) {
            return isOperator ? Verdict.OPERATOR : Verdict.MONITOR;
        }
        failed(address, nowNanos);
        return Verdict.REFUSED;
    }

    /** Browsers say who asks; programs send neither Origin nor Sec-Fetch-Site. */
    private boolean fromHere(String host, String origin, String fetchSite) {
        var named = host == null ? null : HOST.matcher(host);
        return named != null
                && named.matches()
                && site.isNamed(named.group(1))
                && (origin == null || origin.equals(site.scheme() + "://" + host))
                && (fetchSite == null || OWN_SITES.contains(fetchSite));
    }

    private static byte[] credentials(String authorization) {
        if (authorization.regionMatches(true, 0, BASIC, 0, BASIC.length())) {
            try {
                return Base64.getDecoder()
                        .decode(authorization.substring(BASIC.length()).strip());
            } catch (IllegalArgumentException e) {
                // Not base64, so not the right ones.
            }
        }
        return new byte[0];
    }

    private boolean exhausted(String address, long nowNanos) {
        var forgiven = forgivenAtNanos.get(counted(address));
        return forgiven != null && forgiven - nowNanos > (ATTEMPTS - 1) * NANOS_PER_ATTEMPT;
    }

    private void failed(String address, long nowNanos) {
        if (forgivenAtNanos.size() >= ADDRESSES) {
            forgivenAtNanos.values().removeIf(forgiven -> forgiven - nowNanos <= 0);
        }
        forgivenAtNanos.merge(
                counted(address),
                nowNanos + NANOS_PER_ATTEMPT,
                (forgiven, _) -> Math.max(forgiven - nowNanos, 0) + nowNanos + NANOS_PER_ATTEMPT);
    }

    private String counted(String address) {
        return forgivenAtNanos.containsKey(address) || forgivenAtNanos.size() < ADDRESSES ? address : OTHERS;
    }

    /** Of equal length whatever is compared, so that the time a comparison takes tells nothing. */
    private static byte[] digest(byte[] secret) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(secret);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
