package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/**
 * A million things that hosts should not send, and as many that they may, each held against what the specification answers. The reactor of the target
 * is the test's own thread ({@link DrivenTarget}), so a case takes microseconds and a seed says what happens. {@code -Ddoorbell.fuzz=N} for
 * more cases, {@code -Ddoorbell.seed=N} for the same again.
 */
class FuzzTest {
    static final String EXACT = "nqn.2026-11.io.doorbell:exact";
    static final String WILD = "nqn.2026-11.io.doorbell:wild";
    static final String QUIET = "nqn.2026-11.io.doorbell:quiet";
    static final String CLOSED = "nqn.2026-11.io.doorbell:closed";
    static final int IO_QUEUES = 16;

    private static final long CASES = Long.getLong("doorbell.fuzz", 1_000_000);

    private final Logger logger = (Logger) LoggerFactory.getLogger("io.doorbell");
    private final ListAppender<ILoggingEvent> defects = new ListAppender<>();
    private Level level;

    @BeforeEach
    void onlyDefectsAreLogged() {
        level = logger.getLevel();
        logger.setLevel(Level.ERROR);
        defects.start();
        logger.addAppender(defects);
    }

    @AfterEach
    void logAsBefore() {
        logger.detachAppender(defects);
        logger.setLevel(level);
    }

    @Test
    @Timeout(1800)
    void whateverAHostSendsIsAnsweredAsTheSpecificationSaysAndDisturbsNobody() {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("seed " + seed + ", repeat with -Ddoorbell.seed=" + seed);
        try (var run = new FuzzRun(seed)) {
            while (run.cases() < CASES) {
                try {
                    run.connection();
                } catch (AssertionError | RuntimeException failed) {
                    throw new AssertionError("seed " + seed + ", case " + run.cases() + ": " + failed, failed);
                }
            }
            System.out.println(run);
            run.requireNothingLeft();
        }

        assertThat(defects.list).extracting(ILoggingEvent::getFormattedMessage).isEmpty();
    }
}
