package io.doorbell.host;

/**
 * A command to be submitted, in the fields of a submission queue entry (NVMe Base 2.1 §4.1 "Submission Queue Entry").
 * Command id and data pointer are the queue pair's to fill. Reused by its owner for many commands; not thread-safe.
 */
public final class NvmCommand {
    public int opc;
    /** FUSE in bits 1:0; PSDT is the queue pair's to choose. */
    public int flags;

    public int nsid;
    public int cdw2;
    public int cdw3;
    public int cdw10;
    public int cdw11;
    public int cdw12;
    public int cdw13;
    public int cdw14;
    public int cdw15;

    /** Everything zero but the opcode and the namespace. */
    public NvmCommand reset(int opc, int nsid) {
        this.opc = opc;
        this.nsid = nsid;
        flags = 0;
        cdw2 = 0;
        cdw3 = 0;
        cdw10 = 0;
        cdw11 = 0;
        cdw12 = 0;
        cdw13 = 0;
        cdw14 = 0;
        cdw15 = 0;
        return this;
    }

    /** Sets cdw10 and cdw11 to a starting LBA. */
    public NvmCommand slba(long slba) {
        cdw10 = (int) slba;
        cdw11 = (int) (slba >>> 32);
        return this;
    }
}
