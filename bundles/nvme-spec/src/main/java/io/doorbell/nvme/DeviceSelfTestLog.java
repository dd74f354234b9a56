package io.doorbell.nvme;

import static io.doorbell.nvme.Field.u16;
import static io.doorbell.nvme.Field.u32;
import static io.doorbell.nvme.Field.u64;
import static io.doorbell.nvme.Field.u8;

import io.doorbell.nvme.Field.U16;
import io.doorbell.nvme.Field.U32;
import io.doorbell.nvme.Field.U64;
import io.doorbell.nvme.Field.U8;

/**
 * Device Self-test log page, 564 bytes: what runs, then the last {@link #MAX_RESULTS} results, the newest first. NVMe Base 2.1
 * §5.1.12.1.7 "Device Self-test (Log Page Identifier 06h)". Fields from {@link #STATUS} on are of a result, which starts
 * at {@link #resultOffset}.
 */
public final class DeviceSelfTestLog {
    public static final int SIZE_BYTES = 564;
    public static final int MAX_RESULTS = 20;

    public static final U8 CURRENT_OPERATION = u8(0); // code of what runs 3:0, 0 for nothing
    public static final U8 CURRENT_COMPLETION = u8(1); // percent 6:0

    public static final U8 STATUS = u8(0); // result 3:0, code of the test 7:4
    public static final U8 SEGMENT = u8(1); // first segment that failed, when the result says so
    public static final U8 VALID = u8(2); // which of the following say something
    public static final U64 POWER_ON_HOURS = u64(4);
    public static final U32 NSID = u32(12);
    public static final U64 FAILING_LBA = u64(16);
    public static final U8 SCT = u8(24);
    public static final U8 SC = u8(25);
    public static final U16 VENDOR = u16(26);

    /** Self-test codes: dword 10 bits 3:0 of the command, and in the log. */
    public static final int CODE_SHORT = 1;

    public static final int CODE_EXTENDED = 2;
    public static final int CODE_VENDOR = 0xE;
    public static final int CODE_ABORT = 0xF;

    /** Results. */
    public static final int PASSED = 0;

    public static final int ABORTED_BY_COMMAND = 1;
    public static final int ABORTED_BY_RESET = 2;
    public static final int ABORTED_BY_NAMESPACE_REMOVAL = 3;
    public static final int ABORTED_BY_FORMAT = 4;
    public static final int ABORTED_BY_FATAL_ERROR = 5;
    public static final int FAILED_UNKNOWN_SEGMENT = 6;
    public static final int FAILED_SEGMENTS = 7;
    public static final int ABORTED_UNKNOWN = 8;
    public static final int ABORTED_BY_SANITIZE = 9;
    public static final int UNUSED = 0xF;

    /** VALID bits. */
    public static final int VALID_NSID = 1;

    public static final int VALID_FAILING_LBA = 1 << 1;
    public static final int VALID_SCT = 1 << 2;
    public static final int VALID_SC = 1 << 3;

    private static final int FIRST_RESULT_BYTES = 4;
    private static final int RESULT_BYTES = 28;

    private DeviceSelfTestLog() {}

    /** Where result {@code index} starts; 0 is the newest. */
    public static int resultOffset(int index) {
        if (index < 0 || index >= MAX_RESULTS) {
            throw new IllegalArgumentException("self-test results are 0 to " + (MAX_RESULTS - 1) + ", not " + index);
        }
        return FIRST_RESULT_BYTES + RESULT_BYTES * index;
    }

    /** The specification's words, shortened; unknown values come with their number. */
    public static String resultName(int result) {
        return switch (result) {
            case PASSED -> "passed";
            case ABORTED_BY_COMMAND -> "aborted by command";
            case ABORTED_BY_RESET -> "aborted by a controller level reset";
            case ABORTED_BY_NAMESPACE_REMOVAL -> "aborted by removal of a namespace";
            case ABORTED_BY_FORMAT -> "aborted by Format NVM";
            case ABORTED_BY_FATAL_ERROR -> "not completed: fatal error";
            case FAILED_UNKNOWN_SEGMENT -> "failed, segment not known";
            case FAILED_SEGMENTS -> "failed";
            case ABORTED_UNKNOWN -> "aborted, reason not known";
            case ABORTED_BY_SANITIZE -> "aborted by sanitize";
            case UNUSED -> "none";
            default -> String.format("result %Xh", result);
        };
    }

    public static String codeName(int code) {
        return switch (code) {
            case 0 -> "none";
            case CODE_SHORT -> "short";
            case CODE_EXTENDED -> "extended";
            case CODE_VENDOR -> "vendor specific";
            default -> String.format("code %Xh", code);
        };
    }
}
