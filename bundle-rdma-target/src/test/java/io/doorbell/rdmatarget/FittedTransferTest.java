package io.doorbell.rdmatarget;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Transfers on devices that take few pieces of memory with a request. */
class FittedTransferTest {
    private static int fitted(int segments) {
        return RdmaTarget.fitted(RdmaTargetSettings.DEFAULT, "device", segments).maxTransferBytes();
    }

    @Test
    void isAsLongAsConfiguredWhereTheDeviceTakesThat() {
        assertThat(RdmaTarget.fitted(RdmaTargetSettings.DEFAULT, "device", 16)).isEqualTo(RdmaTargetSettings.DEFAULT);
        assertThat(RdmaTarget.fitted(RdmaTargetSettings.DEFAULT, "device", 32)).isEqualTo(RdmaTargetSettings.DEFAULT);
    }

    @Test
    void isHalvedUntilItFits() {
        assertThat(fitted(15)).isEqualTo(65_536);
        assertThat(fitted(13)).isEqualTo(65_536);
        assertThat(fitted(7)).isEqualTo(32_768);
        assertThat(fitted(4)).isEqualTo(32_768);
        assertThat(fitted(1)).isEqualTo(8192);
    }
}
