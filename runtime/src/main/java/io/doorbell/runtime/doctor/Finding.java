package io.doorbell.runtime.doctor;

/**
 * One thing that was looked at.
 *
 * @param found what there is
 * @param remedy what to type or do; empty where all is well
 */
record Finding(Status status, String subject, String found, String remedy) {
    enum Status {
        OK,
        /** The node runs without it; what it is for does not work, or is slower. */
        LACKS,
        /** The node cannot do what its configuration says. */
        FAILS
    }

    static Finding ok(String subject, String found) {
        return new Finding(Status.OK, subject, found, "");
    }

    static Finding lacks(String subject, String found, String remedy) {
        return new Finding(Status.LACKS, subject, found, remedy);
    }

    static Finding fails(String subject, String found, String remedy) {
        return new Finding(Status.FAILS, subject, found, remedy);
    }
}
