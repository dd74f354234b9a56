package io.doorbell.nvme;

/**
 * Fields of zones and their commands. Zoned Namespace Command Set 1.1 §2 "Zoned Namespace Command Set Model", §3.4 "Zoned
 * Namespace Command Set Commands".
 */
public final class Zone {
    /** Zone State, bits 7:4 of byte 1 of a descriptor. */
    public static final int EMPTY = 0x1;

    public static final int IMPLICITLY_OPENED = 0x2;
    public static final int EXPLICITLY_OPENED = 0x3;
    public static final int CLOSED = 0x4;
    public static final int READ_ONLY = 0xD;
    public static final int FULL = 0xE;
    public static final int OFFLINE = 0xF;

    /** Zone Type: sequential write required, which is all there is. */
    public static final int SEQUENTIAL_WRITE_REQUIRED = 2;

    /** Zone Send Action, dword 13 bits 7:0 of Zone Management Send. */
    public static final int CLOSE = 0x01;

    public static final int FINISH = 0x02;
    public static final int OPEN = 0x03;
    public static final int RESET = 0x04;
    public static final int SET_OFFLINE = 0x05;
    public static final int SET_DESCRIPTOR_EXTENSION = 0x10;

    /** Dword 13 bit 8 of Zone Management Send: all zones that the action can be done to. */
    public static final int SELECT_ALL = 1 << 8;

    /** Zone Receive Action, dword 13 bits 7:0 of Zone Management Receive. */
    public static final int REPORT = 0;

    public static final int EXTENDED_REPORT = 1;

    /** Dword 13 bits 15:8 of Zone Management Receive: which zones; 0 for all, then by their state. */
    public static final int FILTER_SHIFT = 8;

    public static final int FILTER_ALL = 0;
    public static final int FILTER_EMPTY = 1;
    public static final int FILTER_IMPLICITLY_OPENED = 2;
    public static final int FILTER_EXPLICITLY_OPENED = 3;
    public static final int FILTER_CLOSED = 4;
    public static final int FILTER_FULL = 5;
    public static final int FILTER_READ_ONLY = 6;
    public static final int FILTER_OFFLINE = 7;

    /** Dword 13 bit 16 of Zone Management Receive: the number of zones is that of the descriptors in the data. */
    public static final int PARTIAL = 1 << 16;

    /** Write pointer of a zone that has none. */
    public static final long NO_WRITE_POINTER = -1;

    private Zone() {}

    /** The state a filter asks for; 0 for any, -1 for a filter that there is not. */
    public static int stateOfFilter(int filter) {
        return switch (filter) {
            case FILTER_ALL -> 0;
            case FILTER_EMPTY -> EMPTY;
            case FILTER_IMPLICITLY_OPENED -> IMPLICITLY_OPENED;
            case FILTER_EXPLICITLY_OPENED -> EXPLICITLY_OPENED;
            case FILTER_CLOSED -> CLOSED;
            case FILTER_FULL -> FULL;
            case FILTER_READ_ONLY -> READ_ONLY;
            case FILTER_OFFLINE -> OFFLINE;
            default -> -1;
        };
    }

    /** Whether zones in this state have a write pointer. */
    public static boolean hasWritePointer(int state) {
        return state == EMPTY || isOpen(state) || state == CLOSED;
    }

    public static boolean isOpen(int state) {
        return state == IMPLICITLY_OPENED || state == EXPLICITLY_OPENED;
    }

    /** Whether zones in this state count to the active resources. */
    public static boolean isActive(int state) {
        return isOpen(state) || state == CLOSED;
    }

    /** The specification's name, for messages. */
    public static String stateName(int state) {
        return switch (state) {
            case EMPTY -> "Empty";
            case IMPLICITLY_OPENED -> "Implicitly Opened";
            case EXPLICITLY_OPENED -> "Explicitly Opened";
            case CLOSED -> "Closed";
            case READ_ONLY -> "Read Only";
            case FULL -> "Full";
            case OFFLINE -> "Offline";
            default -> String.format("Zone State %Xh", state);
        };
    }
}
