package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.platform.EventFd;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class InterruptVectorsTest {
    private static final long BOUND_NANOS = 60_000_000_000L;

    private final TestAccess access = new TestAccess();
    private final List<EventFd> opened = new ArrayList<>();
    private InterruptVectors vectors;

    private InterruptVectors vectors(int count) {
        access.interruptVectors = count;
        vectors = new InterruptVectors(access, "test");
        return vectors;
    }

    private EventFd sign() {
        var sign = EventFd.create();
        opened.add(sign);
        return sign;
    }

    @AfterEach
    void close() {
        vectors.close();
        opened.forEach(EventFd::close);
        access.close();
    }

    @Test
    void leavesTheFirstVectorToTheAdminQueue() {
        vectors(3);
        var admin = sign();
        var one = sign();
        var other = sign();

        vectors.takeAdmin(admin);

        assertThat(vectors.take(one).vector()).isEqualTo(1);
        assertThat(vectors.take(other).vector()).isEqualTo(2);
        assertThat(access.routes).containsEntry(0, admin).containsEntry(1, one).containsEntry(2, other);
    }

    @Test
    void letsThoseWhoSleepOnOneSignShareAVector() {
        vectors(3);
        var one = sign();

        var first = vectors.take(one);
        var second = vectors.take(one);

        assertThat(second.vector()).isEqualTo(first.vector());
        vectors.giveBack(first);
        assertThat(access.routes).containsEntry(1, one);
        vectors.giveBack(second);
        assertThat(access.routes).isEmpty();
        vectors.giveBack(second);
    }

    @Test
    void passesInterruptsOnWhereSeveralSignsShareAVector() {
        vectors(2);
        var one = sign();
        var other = sign();
        var first = vectors.take(one);
        vectors.take(other);
        // As they are told when what a vector is for changes.
        one.drain();
        other.drain();

        access.routes.get(1).signal();

        assertThat(one.await(BOUND_NANOS)).isTrue();
        assertThat(other.await(BOUND_NANOS)).isTrue();
        vectors.giveBack(first);
        assertThat(access.routes).containsEntry(1, other);
    }

    @Test
    void sharesTheOnlyVectorWithTheAdminQueue() {
        vectors(1);
        vectors.takeAdmin(sign());

        assertThat(vectors.take(sign()).vector()).isZero();
    }

    @Test
    void pollsWhereThereAreNoneOrTheyCannotBeRouted() {
        assertThat(vectors(0).take(sign())).isNull();
        access.refusal = "no more interrupts on this machine";
        assertThat(vectors(2).take(sign())).isNull();
        access.refusal = null;
        assertThat(vectors.take(sign()).vector()).isEqualTo(1);
    }

    @Test
    void wakesThoseWhoShareAVectorAnew() {
        vectors(2);
        var one = sign();
        vectors.take(one);
        one.drain();

        vectors.take(sign());

        // An interrupt of before may have been on its way to where nobody is.
        assertThat(one.await(0)).isTrue();
    }

    @Test
    void leavesNoThreadBehindWhenTheFunctionGoesWhileTheyAreGivenBack() {
        vectors(2);
        var first = vectors.take(sign());
        vectors.take(sign());
        var fan = access.routes.get(1);

        access.refusal = "the function is not claimed";
        vectors.giveBack(first);
        vectors.close();

        assertThatThrownBy(fan::signal).isInstanceOf(IllegalStateException.class);
    }
}
