package io.doorbell.fabrics;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A host that comes and goes in a loop decides how often there is something to be logged, and not how much is. */
class ComplaintsTest {
    private final Logger log = (Logger) LoggerFactory.getLogger(ComplaintsTest.class);
    private final ListAppender<ILoggingEvent> written = new ListAppender<>();
    private long nowNanos = Long.MAX_VALUE - 1;
    private final Complaints complaints = new Complaints(log, "tcp0", () -> nowNanos);

    ComplaintsTest() {
        log.setLevel(Level.INFO);
        log.setAdditive(false);
        log.addAppender(written);
        written.start();
    }

    @AfterEach
    void detach() {
        log.detachAppender(written);
    }

    @Test
    void onlySoManyLinesOfASecondAreWrittenAndThenHowManyMoreThereWere() {
        for (int i = 0; i < 500; i++) {
            complaints.tell("came");
            complaints.say("broke the protocol");
        }
        assertThat(written.list).hasSize(Complaints.PER_SECOND);

        nowNanos += TimeUnit.SECONDS.toNanos(2);
        complaints.tell("came again");

        var last = written.list.subList(Complaints.PER_SECOND, written.list.size());
        assertThat(last)
                .extracting(ILoggingEvent::getFormattedMessage)
                .containsExactly("tcp0: and " + (1000 - Complaints.PER_SECOND) + " more like this", "tcp0: came again");
        assertThat(last).extracting(ILoggingEvent::getLevel).containsExactly(Level.WARN, Level.INFO);
    }
}
