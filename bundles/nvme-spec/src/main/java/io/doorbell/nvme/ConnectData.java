package io.doorbell.nvme;

import static io.doorbell.nvme.Field.bigEndian128;
import static io.doorbell.nvme.Field.u16;
import static io.doorbell.nvme.Field.utf8;

import io.doorbell.nvme.Field.BigEndian128;
import io.doorbell.nvme.Field.U16;
import io.doorbell.nvme.Field.Utf8;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Data of Connect, 1,024 bytes: who connects to what. NVMe Base 2.1 §6.3 "Connect command". */
public final class ConnectData {
    public static final int SIZE_BYTES = 1024;

    public static final BigEndian128 HOSTID = bigEndian128(0); // host identifier
    public static final U16 CNTLID = u16(16); // controller, or FFFFh for a new one
    public static final Utf8 SUBNQN = utf8(256, 256); // qualified name of the subsystem
    public static final Utf8 HOSTNQN = utf8(512, 256); // qualified name of the host

    private ConnectData() {}

    /** Whether a name ends inside its field, as it must. */
    public static boolean isTerminated(Utf8 name, MemorySegment data) {
        for (int i = 0; i < name.lengthBytes(); i++) {
            if (data.get(ValueLayout.JAVA_BYTE, name.offset() + i) == 0) {
                return true;
            }
        }
        return false;
    }
}
