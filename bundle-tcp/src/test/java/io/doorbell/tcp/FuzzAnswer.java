package io.doorbell.tcp;

import io.doorbell.nvme.Status;
import java.util.function.Supplier;

/** What may come of one command of a {@link FuzzHost}: one of several errors where more than one thing is wrong with it, and success where nothing is. */
final class FuzzAnswer {
    private static final int MAX_CODES = 16;

    private final int[] codes = new int[MAX_CODES];
    private int codeCount;

    boolean open;
    int cid;

    /** Anything that is an answer. */
    boolean any;

    /** The errors may not show, as where a field is looked at by some and not by others. */
    boolean maySucceed;

    /** It stays pending until the end of the connection. */
    boolean pending;

    /** Bytes that an R2T may ask for, and bytes that come. */
    int fromHost;

    int toHost;

    /** Of a Read: what has to be there. Of a Write: what is there afterwards. */
    long slba;

    int blocks;
    int stamp;
    boolean verify;
    boolean writes;
    boolean zeroes;

    /** Data that are sent when asked for are to have a wrong digest. */
    boolean spoil;

    boolean asked;
    boolean dataCame;

    /** Dword 0 and 1 of the answer, if {@code checkResult}. */
    long result;

    boolean checkResult;

    /** What was wrong, for messages. */
    private Supplier<String> text;

    FuzzAnswer expect(int cid, Supplier<String> what) {
        if (open) {
            throw new IllegalStateException("a command identifier is used twice");
        }
        this.cid = cid;
        text = what;
        open = true;
        any = false;
        maySucceed = false;
        pending = false;
        codeCount = 0;
        fromHost = 0;
        toHost = 0;
        verify = false;
        writes = false;
        zeroes = false;
        spoil = false;
        asked = false;
        dataCame = false;
        checkResult = false;
        blocks = 0;
        return this;
    }

    FuzzAnswer or(int code) {
        codes[codeCount++] = code;
        return this;
    }

    FuzzAnswer result(long value) {
        result = value;
        checkResult = true;
        return this;
    }

    boolean isWrong() {
        return codeCount > 0;
    }

    boolean allows(int status) {
        int code = Status.code(status);
        if (any || (code == Status.SUCCESS && (codeCount == 0 || maySucceed))) {
            return true;
        }
        for (int i = 0; i < codeCount; i++) {
            if (codes[i] == code) {
                return true;
            }
        }
        return false;
    }

    String what() {
        return text.get();
    }

    @Override
    public String toString() {
        var what = what();
        var all = new StringBuilder(what).append(", one of");
        for (int i = 0; i < codeCount; i++) {
            all.append(String.format(" %03X", codes[i]));
        }
        return codeCount == 0 ? what + ", success" : all.toString();
    }
}
