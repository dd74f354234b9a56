package io.doorbell.fabrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.doorbell.nvme.TransportId;
import io.doorbell.target.AccessStates;
import io.doorbell.target.ListenerStatus;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** When a listener is opened, and what is said while it cannot be. */
class ListenerKeeperTest {
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final Duration AT_ONCE = Duration.ofMillis(1);
    private static final Duration NEVER = Duration.ofDays(1);

    private final Logger log = (Logger) LoggerFactory.getLogger(ListenerKeeper.class);
    private final ListAppender<ILoggingEvent> written = new ListAppender<>();
    private final AtomicLong nowNanos = new AtomicLong(Long.MAX_VALUE);
    private final AtomicInteger tries = new AtomicInteger();
    private volatile Exception inTheWay;
    private volatile RuntimeException whenItCloses;

    @BeforeEach
    void read() {
        written.list = new CopyOnWriteArrayList<>();
        written.start();
        log.addAppender(written);
    }

    @AfterEach
    void detach() {
        log.detachAppender(written);
    }

    private record Settings(String name) implements ListenerSettings.Placed {
        @Override
        public ListenerStatus whileClosed() {
            return ListenerStatus.closed(TransportId.Type.RDMA, "127.0.0.1", 4420, false, 1);
        }
    }

    private final class Keeper extends ListenerKeeper<Settings> {
        Keeper(Duration retry) {
            super(retry, nowNanos::get);
            configure(new Settings("rdma0"), new String[0]);
        }

        @Override
        protected Listening open(Settings settings, AccessStates states) throws IOException {
            var now = inTheWay;
            tries.incrementAndGet();
            switch (now) {
                case null -> {
                    return new Open();
                }
                case IOException place -> throw place;
                case RuntimeException defect -> throw defect;
                default -> throw new AssertionError(now);
            }
        }

        void placeHasGone() {
            lose();
        }

        void placeIsThere() {
            again();
        }
    }

    /** Where nobody connects. */
    private final class Open implements ListenerKeeper.Listening {
        @Override
        public void accessStates(AccessStates states) {}

        @Override
        public InetSocketAddress address() {
            return new InetSocketAddress("127.0.0.1", 4420);
        }

        @Override
        public int connections() {
            return 0;
        }

        @Override
        public SortedMap<String, Long> counters() {
            return Collections.emptySortedMap();
        }

        @Override
        public void close() {
            if (whenItCloses != null) {
                throw whenItCloses;
            }
        }
    }

    private List<String> warnings() {
        return written.list.stream()
                .filter(each -> each.getLevel().isGreaterOrEqual(Level.WARN))
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
    }

    @Test
    void whatIsNotThereYetIsAWarningOnlyWhenItLasts() {
        inTheWay = new ListenerKeeper.NotYet("no device.");
        try (var keeper = new Keeper(AT_ONCE)) {
            await().atMost(BOUND).until(() -> tries.get() > 5);
            assertThat(warnings()).isEmpty();
            assertThat(keeper.status().problem()).isEqualTo("no device.");

            nowNanos.addAndGet(ListenerKeeper.PATIENCE.toNanos());
            int before = tries.get();
            await().atMost(BOUND).until(() -> tries.get() > before + 5);

            assertThat(warnings()).singleElement().asString().startsWith("rdma0: no device. Tried again every ");
        }
    }

    @Test
    void aPlaceThatSomebodyElseHasIsAWarningAtOnce() {
        inTheWay = new BindException("taken.");
        try (var _ = new Keeper(AT_ONCE)) {
            await().atMost(BOUND).until(() -> tries.get() > 5);

            assertThat(warnings()).singleElement().asString().startsWith("rdma0: taken. Tried again every ");
        }
    }

    /** As a reactor that does not come round in time. */
    @Test
    void whatFailsIsToldOnceAndTriedAgainUntilItListens() {
        inTheWay = new IllegalStateException("the reactor does not come round");
        try (var keeper = new Keeper(AT_ONCE)) {
            await().atMost(BOUND).until(() -> tries.get() > 5);
            assertThat(warnings()).singleElement().asString().startsWith("rdma0 does not listen. Tried again every ");
            assertThat(keeper.status().problem()).contains("the reactor does not come round");

            inTheWay = null;

            await().atMost(BOUND).until(() -> keeper.status().listening());
        }
    }

    @Test
    void whatDoesNotEndWellIsOpenedAnewAllTheSame() {
        try (var keeper = new Keeper(AT_ONCE)) {
            await().atMost(BOUND).until(() -> keeper.status().listening());
            int before = tries.get();
            whenItCloses = new IllegalStateException("the reactor does not come round");

            assertThatThrownBy(keeper::placeHasGone).isSameAs(whenItCloses);
            whenItCloses = null;

            await().atMost(BOUND)
                    .until(() -> tries.get() > before && keeper.status().listening());
        }
    }

    @Test
    void itListensAsSoonAsItsPlaceIsThereAndNobodyIsWarned() {
        inTheWay = new ListenerKeeper.NotYet("no device.");
        try (var keeper = new Keeper(NEVER)) {
            await().atMost(BOUND).until(() -> tries.get() == 1);

            inTheWay = null;
            keeper.placeIsThere();

            await().atMost(BOUND).until(() -> keeper.status().listening());
            assertThat(warnings()).isEmpty();
        }
    }
}
