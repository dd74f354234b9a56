package io.doorbell.management.http;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class RefusalLogTest {
    private final Logger logger = (Logger) LoggerFactory.getLogger(RefusalLog.class);
    private final ListAppender<ILoggingEvent> appender = new ListAppender<>();
    private final RefusalLog log = new RefusalLog();

    @BeforeEach
    void listen() {
        appender.start();
        logger.setLevel(Level.WARN);
        logger.setAdditive(false);
        logger.addAppender(appender);
    }

    @AfterEach
    void leave() {
        logger.detachAppender(appender);
    }

    private List<String> lines() {
        return appender.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    @Test
    void tellsOfTheFirstAtOnceAndCountsTheOthersUntilTimeHasPassed() {
        // Any value is a time of nanoTime, this one too.
        long nowNanos = Long.MIN_VALUE;
        for (int i = 0; i < 100; i++) {
            log.refused("wrong user or password", "127.0.0.1", nowNanos + i);
        }
        assertThat(lines()).containsExactly("HTTP request from 127.0.0.1 refused: wrong user or password");

        log.refused("too many wrong attempts", "127.0.0.1", nowNanos + RefusalLog.INTERVAL.toNanos());

        assertThat(lines())
                .hasSize(2)
                .last()
                .isEqualTo("HTTP request from 127.0.0.1 refused: too many wrong attempts,"
                        + " and 99 before it since the last such line");
    }
}
