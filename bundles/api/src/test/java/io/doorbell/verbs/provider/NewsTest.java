package io.doorbell.verbs.provider;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.verbs.ConnectionListener;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class NewsTest {
    private static final long BOUND_SECONDS = 60;

    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

    private String next() throws InterruptedException {
        return heard.poll(BOUND_SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void oneAfterTheOtherAndNothingAfterTheEnd() throws InterruptedException {
        var go = new CountDownLatch(1);
        var news = new News(
                new ConnectionListener() {
                    @Override
                    public void established() {
                        heard.add("begins");
                        try {
                            go.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                        heard.add("established");
                        throw new NoClassDefFoundError("a listener whose bundle goes");
                    }

                    @Override
                    public void disconnected(String reason) {
                        heard.add(reason);
                    }
                },
                "news",
                thrown -> heard.add(thrown.getMessage()));

        news.established();
        assertThat(next()).isEqualTo("begins");
        news.disconnected("first");
        news.disconnected("second");
        news.established();
        assertThat(heard).isEmpty();
        go.countDown();

        assertThat(next()).isEqualTo("established");
        assertThat(next()).isEqualTo("a listener whose bundle goes");
        assertThat(next()).isEqualTo("first");
        assertThat(heard).isEmpty();
    }
}
