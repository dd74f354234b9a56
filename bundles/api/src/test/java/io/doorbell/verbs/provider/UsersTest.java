package io.doorbell.verbs.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import org.junit.jupiter.api.Test;

class UsersTest {
    private final Users users = new Users("domain", "regions");
    private final ArrayList<String> ends = new ArrayList<>();

    private void close() {
        users.close(() -> ends.add("end"));
    }

    @Test
    void whatIsUsedIsNotClosedAndWhatIsClosedIsNotUsed() {
        users.retain();
        assertThatIllegalStateException().isThrownBy(this::close).withMessage("this domain is in use: 1 regions");

        users.release();
        close();
        close();

        assertThat(ends).hasSize(1);
        assertThatIllegalStateException().isThrownBy(users::retain).withMessage("this domain is closed");
    }

    @Test
    void anEndThatFailsCanBeTriedAgain() {
        assertThatIllegalStateException()
                .isThrownBy(() -> users.close(() -> {
                    throw new IllegalStateException("not now");
                }));

        close();

        assertThat(ends).hasSize(1);
    }

    @Test
    void severalAreRetainedTogetherOrNotAtAll() {
        var other = new Users("queue", "pairs");
        var used = Users.retain(users, null, other);
        assertThat(used).containsExactly(users, other);
        Users.release(used);
        other.close(() -> {});

        assertThatIllegalStateException().isThrownBy(() -> Users.retain(users, other));

        assertThatCode(this::close).doesNotThrowAnyException();
    }
}
