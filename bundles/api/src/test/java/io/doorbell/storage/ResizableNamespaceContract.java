package io.doorbell.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every {@link Namespace} does that can be resized. */
public abstract class ResizableNamespaceContract extends NamespaceContract {
    private static final int BLOCKS = 64;

    protected ResizableNamespaceContract() {}

    @ParameterizedTest
    @ValueSource(strings = {"512", "4096", "512+8"})
    void growsAndShrinks(String spelled) {
        var format = BlockFormat.parse(spelled);
        int stored = format.storedBytes();
        var namespace = namespace(format, BLOCKS);
        assumeTrue(namespace.shape().keepsData(), "keeps no data");
        var uuid = namespace.shape().uuid();
        var before = session(namespace);
        write(before, BLOCKS - 1, pattern(stored, 1), stored);

        namespace.resize(3L * BLOCKS * format.blockBytes() + 1);

        assertThat(namespace.shape().blockCount()).isEqualTo(3 * BLOCKS);
        assertThat(namespace.shape().uuid()).isEqualTo(uuid);
        assertThat(read(before, BLOCKS - 1, 1, stored)).isEqualTo(pattern(stored, 1));
        var after = session(namespace);
        assertThat(read(after, BLOCKS, BLOCKS, stored)).containsOnly(0);
        write(after, 3 * BLOCKS - 1, pattern(stored, 2), stored);
        before.close();

        namespace.resize((long) BLOCKS * format.blockBytes());

        assertThat(namespace.shape().blockCount()).isEqualTo(BLOCKS);
        assertThat(read(after, BLOCKS - 1, 1, stored)).isEqualTo(pattern(stored, 1));
        after.close();
        namespace.resize(3L * BLOCKS * format.blockBytes());
        var again = session(namespace);
        assertThat(read(again, 3 * BLOCKS - 1, 1, stored)).as("given up").containsOnly(0);
        assertThat(run(again, TestRequest.datasetManagement(true, new long[] {3 * BLOCKS - 1, 1})))
                .isZero();
    }

    @Test
    void noBlockIsNoSize() {
        var namespace = namespace(4096, BLOCKS);

        assertThatThrownBy(() -> namespace.resize(4095)).isInstanceOf(IllegalArgumentException.class);

        assertThat(namespace.shape().blockCount()).isEqualTo(BLOCKS);
    }
}
