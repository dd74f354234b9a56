package io.doorbell.management.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.management.http.Gate.Login;
import io.doorbell.management.http.Gate.Verdict;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GateTest {
    private static final String HOST = "127.0.0.1:8181";
    private static final String RIGHT = basic("admin:pass:wörd");

    private static final String ADDRESS = "127.0.0.1";

    private final Gate gate = gate(new Site(InetAddress.ofLiteral(ADDRESS), 8181, null));
    // Near the end of the range of nanoTime, which may be anywhere: differences count, not values.
    private long nowNanos = Long.MAX_VALUE - 3 * Gate.NANOS_PER_ATTEMPT;

    private static Gate gate(Site site) {
        return new Gate(site, new Login("admin", "pass:wörd"), new Login("monitor", "looks only"));
    }

    private static String basic(String credentials) {
        return "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8));
    }

    private Verdict judge(String authorization) {
        return gate.judge(HOST, null, null, authorization, ADDRESS, nowNanos);
    }

    @Test
    void admitsTheUserWithThePassword() {
        assertThat(judge(RIGHT)).isEqualTo(Verdict.OPERATOR);
        assertThat(judge(RIGHT.replace("Basic", "BASIC "))).isEqualTo(Verdict.OPERATOR);
    }

    @Test
    void tellsWhoMayOnlyLookFromWhoMayActAndMixesNoPasswords() {
        assertThat(judge(basic("monitor:looks only"))).isEqualTo(Verdict.MONITOR);
        assertThat(judge(basic("monitor:pass:wörd"))).isEqualTo(Verdict.REFUSED);
        assertThat(judge(basic("admin:looks only"))).isEqualTo(Verdict.REFUSED);
    }

    @Test
    void asksWhoSaysNothing() {
        assertThat(judge(null)).isEqualTo(Verdict.UNKNOWN);
    }

    @ParameterizedTest
    @ValueSource(strings = {"admin:pass", "admin:pass:wörd ", "Admin:pass:wörd", "admin", ":", "", "admin:pass:wörd\0"})
    void refusesOtherCredentials(String credentials) {
        assertThat(judge(basic(credentials))).isEqualTo(Verdict.REFUSED);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "Basic", "Basic ", "Basic ***", "Bearer YWRtaW46cGFzczp3w7ZyZA==", "YWRtaW46cGFzczp3w7ZyZA=="
            })
    void refusesWhatIsNoBasicAuthentication(String header) {
        assertThat(judge(header)).isEqualTo(Verdict.REFUSED);
    }

    @Test
    void looksAtNothingAfterTooManyWrongAttemptsUntilTimeHasPassed() {
        for (int i = 0; i < Gate.ATTEMPTS; i++) {
            assertThat(judge(basic("admin:guess" + i))).isEqualTo(Verdict.REFUSED);
        }

        assertThat(judge(basic("admin:guess"))).isEqualTo(Verdict.TOO_MANY);
        assertThat(judge(RIGHT)).isEqualTo(Verdict.TOO_MANY);

        nowNanos += Gate.NANOS_PER_ATTEMPT;
        assertThat(judge(RIGHT)).isEqualTo(Verdict.OPERATOR);
        assertThat(judge(basic("admin:guess"))).isEqualTo(Verdict.REFUSED);
        assertThat(judge(basic("admin:guess"))).isEqualTo(Verdict.TOO_MANY);
    }

    @Test
    void forgivesAllAttemptsInTimeAndNeverMoreThanThat() {
        for (int i = 0; i < Gate.ATTEMPTS; i++) {
            judge(basic("admin:guess"));
        }

        nowNanos += 100 * Gate.NANOS_PER_ATTEMPT;

        for (int i = 0; i < Gate.ATTEMPTS; i++) {
            assertThat(judge(basic("admin:guess"))).isEqualTo(Verdict.REFUSED);
        }
        assertThat(judge(basic("admin:guess"))).isEqualTo(Verdict.TOO_MANY);
    }

    @Test
    void doesNotCountRequestsWithoutCredentials() {
        for (int i = 0; i < 3 * Gate.ATTEMPTS; i++) {
            judge(null);
        }

        assertThat(judge(RIGHT)).isEqualTo(Verdict.OPERATOR);
    }

    @Test
    void whoGuessesKeepsNobodyElseOut() {
        for (int i = 0; i < Gate.ATTEMPTS; i++) {
            judge(basic("admin:guess"));
        }

        assertThat(judge(RIGHT)).isEqualTo(Verdict.TOO_MANY);
        assertThat(gate.judge(HOST, null, null, RIGHT, "192.0.2.1", nowNanos)).isEqualTo(Verdict.OPERATOR);
    }

    @Test
    void attemptsOfMoreAddressesThanAreKeptCountTogetherAndAreForgiven() {
        for (int i = 0; i < Gate.ADDRESSES; i++) {
            gate.judge(HOST, null, null, basic("admin:guess"), "own" + i, nowNanos);
        }

        for (int i = 0; i < Gate.ATTEMPTS; i++) {
            assertThat(gate.judge(HOST, null, null, basic("admin:guess"), "late" + i, nowNanos))
                    .isEqualTo(Verdict.REFUSED);
        }
        assertThat(gate.judge(HOST, null, null, RIGHT, "later", nowNanos)).isEqualTo(Verdict.TOO_MANY);
        assertThat(gate.judge(HOST, null, null, RIGHT, "own0", nowNanos)).isEqualTo(Verdict.OPERATOR);

        nowNanos += 100 * Gate.NANOS_PER_ATTEMPT;
        assertThat(gate.judge(HOST, null, null, basic("admin:guess"), "later", nowNanos))
                .isEqualTo(Verdict.REFUSED);
        assertThat(gate.judge(HOST, null, null, RIGHT, "later", nowNanos)).isEqualTo(Verdict.OPERATOR);
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1:8181, http://127.0.0.1:8181, same-origin",
        "localhost:8181, http://localhost:8181, same-origin",
        "localhost:9999, , none",
        "127.0.0.1, ,",
        "[::1]:8181, http://[::1]:8181,",
    })
    void letsItsOwnPagesIn(String host, String origin, String fetchSite) {
        assertThat(gate.judge(host, origin, fetchSite, RIGHT, ADDRESS, nowNanos))
                .isEqualTo(Verdict.OPERATOR);
    }

    @ParameterizedTest
    @CsvSource({
        // A page of another site, or of another server on this machine.
        "127.0.0.1:8181, http://evil.example,",
        "127.0.0.1:8181, http://127.0.0.1:8080,",
        "127.0.0.1:8181, https://127.0.0.1:8181,",
        "127.0.0.1:8181, null,",
        "127.0.0.1:8181, , cross-site",
        "127.0.0.1:8181, , same-site",
        // A name that was made to lead here.
        "evil.example:8181, http://evil.example:8181, same-origin",
        "127.0.0.1.evil.example:8181, ,",
        "localhost.evil.example, ,",
        "user@127.0.0.1:8181, ,",
        "127.0.0.1:, ,",
        ", ,",
    })
    void keepsOtherSitesOutWhoeverIsLoggedIn(String host, String origin, String fetchSite) {
        assertThat(gate.judge(host, origin, fetchSite, RIGHT, ADDRESS, nowNanos))
                .isEqualTo(Verdict.FOREIGN);
    }
}
