package io.doorbell.driver;

import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NvmOpcode;
import java.util.concurrent.CompletableFuture;

/** One admin command on its way. Guarded by the lock of its {@link AdminQueue}, but for the answer. */
public final class AdminRequest {
    /** What follows a command that nobody waits for. */
    @FunctionalInterface
    public interface Then {
        void answered(int status, long result);
    }

    /** What a completion says: 15 bits of status, dwords 0 and 1. */
    public record Answer(int status, long result) {}

    private static final int NOT_STARTED = -1;

    private final String controller;
    private final NvmCommand command;
    private final Then then;
    private final CompletableFuture<Answer> answer = new CompletableFuture<>();
    private long prp1;
    private long prp2;
    private BounceBuffers.Buffer buffer;
    private boolean ordinarySlot;
    private boolean abandoned;
    private boolean interruptible;
    private boolean aborted = true;
    private volatile int cid = NOT_STARTED;

    AdminRequest(String controller, NvmCommand command) {
        this(controller, command, null);
    }

    AdminRequest(String controller, NvmCommand command, Then then) {
        this.controller = controller;
        this.command = command;
        this.then = then;
    }

    /** With data pointers of its own, to memory that the controller keeps using. */
    AdminRequest pointing(long prp1Iova, long prp2Iova) {
        prp1 = prp1Iova;
        prp2 = prp2Iova;
        return this;
    }

    AdminRequest interruptible() {
        interruptible = true;
        return this;
    }

    AdminRequest withoutAbort() {
        aborted = false;
        return this;
    }

    /** Whether it is aborted when it takes too long. */
    boolean isAborted() {
        return aborted;
    }

    boolean isInterruptible() {
        return interruptible;
    }

    public NvmCommand command() {
        return command;
    }

    /** Which way its data go stands in the opcode, or in the type of a Fabrics command. */
    public boolean transfersToController() {
        return NvmOpcode.transfersToController(direction());
    }

    public boolean transfersToHost() {
        return NvmOpcode.transfersToHost(direction());
    }

    private int direction() {
        return command.opc == AdminOpcode.FABRICS ? FabricsCommand.type(command.nsid) : command.opc;
    }

    public long prp1() {
        return prp1;
    }

    public long prp2() {
        return prp2;
    }

    /** Controller, command and id, for messages. */
    public String attempted() {
        return controller + ", " + describe() + (wasStarted() ? String.format(" (cid %04Xh)", cid) : "");
    }

    private String describe() {
        var opcode = AdminOpcode.name(command.opc);
        return switch (command.opc) {
            case AdminOpcode.IDENTIFY ->
                opcode + " " + IdentifyCns.name(command.cdw10 & 0xFF)
                        + (command.nsid == 0 ? "" : " " + Integer.toUnsignedString(command.nsid));
            case AdminOpcode.GET_LOG_PAGE -> opcode + " " + LogPageId.name(command.cdw10 & 0xFF);
            case AdminOpcode.SET_FEATURES, AdminOpcode.GET_FEATURES ->
                opcode + " " + FeatureId.name(command.cdw10 & 0xFF);
            case AdminOpcode.CREATE_IO_COMPLETION_QUEUE,
                    AdminOpcode.CREATE_IO_SUBMISSION_QUEUE,
                    AdminOpcode.DELETE_IO_COMPLETION_QUEUE,
                    AdminOpcode.DELETE_IO_SUBMISSION_QUEUE -> opcode + " " + (command.cdw10 & 0xFFFF);
            case AdminOpcode.FABRICS -> FabricsCommand.name(FabricsCommand.type(command.nsid));
            case AdminOpcode.ABORT ->
                String.format("%s of cid %04Xh on queue %d", opcode, command.cdw10 >>> 16, command.cdw10 & 0xFFFF);
            default -> opcode;
        };
    }

    void started(int commandId) {
        cid = commandId;
    }

    boolean wasStarted() {
        return cid != NOT_STARTED;
    }

    public int cid() {
        return cid;
    }

    /** Sets the bounce buffer, and returns the one it had. */
    BounceBuffers.Buffer uses(BounceBuffers.Buffer now) {
        var before = buffer;
        buffer = now;
        return before;
    }

    public BounceBuffers.Buffer buffer() {
        return buffer;
    }

    /** Sets whether it holds one of the slots for ordinary commands, and returns whether it did. */
    boolean holdsOrdinarySlot(boolean now) {
        boolean before = ordinarySlot;
        ordinarySlot = now;
        return before;
    }

    void abandon() {
        abandoned = true;
    }

    boolean isAbandoned() {
        return abandoned;
    }

    boolean isAwaited() {
        return then == null;
    }

    public void complete(int status, long result) {
        answer.complete(new Answer(status, result));
        if (then != null) {
            then.answered(status, result);
        }
    }

    void fail(String reason) {
        answer.completeExceptionally(new IllegalStateException(reason));
    }

    boolean isDone() {
        return answer.isDone();
    }

    CompletableFuture<Answer> answered() {
        return answer;
    }

    /** Only when done. */
    Answer answer() {
        return answer.join();
    }
}
