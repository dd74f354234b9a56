package io.doorbell.fabrics;

import io.doorbell.lease.ConnectionLeases;
import io.doorbell.lease.LeaseException;
import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.Status;
import io.doorbell.target.HostIdentity;
import io.doorbell.target.TargetSubsystem;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One Connect: who may have what. NVMe Base 2.1 §6.3 "Connect command". On a thread of its own.
 *
 * @param sqsizeZeroBased SQSIZE as on the wire
 * @param kato keep alive timeout, milliseconds, unsigned
 */
record Connect(
        FabricTarget target,
        FabricListener listener,
        FabricQueue queue,
        int qid,
        int sqsizeZeroBased,
        int cattr,
        int kato,
        MemorySegment data) {
    private static final Logger LOG = LoggerFactory.getLogger(Connect.class);

    private static final int IOSQES = 6;
    private static final int IOCQES = 4;

    /**
     * What to answer.
     *
     * @param association null when refused
     * @param host who has to authenticate itself before anything else; null where it need not
     * @param control its lease; null when refused
     */
    record Answer(int status, long result, Association association, FabricHost host, QueueControl control) {
        /** Another connection may end soon. */
        private static final Answer BUSY = new Answer(FabricsStatus.CONTROLLER_BUSY, 0, null, null, null);

        static Answer refused(int status) {
            return new Answer(status | Status.DNR, 0, null, null, null);
        }

        /** What was granted has no connection any more. */
        void drop(FabricQueue queue) {
            if (association != null) {
                association.detach(queue);
                control.closed();
            }
        }

        static Answer granted(Association association, FabricHost host, QueueControl control) {
            long required = host == null ? 0 : FabricsCommand.CONNECT_AUTHREQ_ATR;
            return new Answer(
                    Status.SUCCESS, association.controller().controllerId() | required, association, host, control);
        }

        static Answer inData(int offset) {
            return invalid(true, offset);
        }

        static Answer inCommand(int offset) {
            return invalid(false, offset);
        }

        private static Answer invalid(boolean inData, int offset) {
            return new Answer(
                    FabricsStatus.CONNECT_INVALID_PARAMETERS | Status.DNR,
                    FabricsCommand.invalidParameter(inData, offset),
                    null,
                    null,
                    null);
        }
    }

    Answer judge() {
        try {
            return judgeOnce();
        } catch (RuntimeException defect) {
            LOG.error("{}: {} failed", listener.name(), this, defect);
            return Answer.refused(Status.INTERNAL_ERROR);
        }
    }

    private Answer judgeOnce() {
        if (!ConnectData.isTerminated(ConnectData.SUBNQN, data)) {
            return Answer.inData(ConnectData.SUBNQN.offset());
        }
        var subsystem = target.subsystem(ConnectData.SUBNQN.get(data));
        if (subsystem == null || !target.isOffered(listener, subsystem)) {
            return Answer.inData(ConnectData.SUBNQN.offset());
        }
        // Of any form, and even empty: SPDK's tools send no name unless they are given one. But what controls a
        // terminal, or begins a new line
        // in a log, is no name.
        if (!ConnectData.isTerminated(ConnectData.HOSTNQN, data)
                || ConnectData.HOSTNQN.get(data).chars().anyMatch(Character::isISOControl)) {
            return Answer.inData(ConnectData.HOSTNQN.offset());
        }
        if (sqsizeZeroBased == 0 || sqsizeZeroBased >= listener.maxQueueEntries()) {
            return Answer.inCommand(FabricsCommand.CONNECT_SQSIZE_OFFSET);
        }
        var host = HostIdentity.of(
                ConnectData.HOSTNQN.get(data),
                data.asSlice(ConnectData.HOSTID.offset(), ConnectData.HOSTID.lengthBytes())
                        .toArray(ValueLayout.JAVA_BYTE));
        // The key of a connection is that of one host and one subsystem.
        var secured = queue.connection().secured();
        if (secured != null
                && !(secured.hostNqn().equals(host.nqn())
                        && secured.subsystemNqn().equals(subsystem.nqn()))) {
            queue.complain(this + " over a connection that is " + secured);
            return Answer.refused(FabricsStatus.CONNECT_INVALID_HOST);
        }
        return qid == 0 ? judgeAdmin(subsystem, host) : judgeIo(subsystem, host);
    }

    private Answer judgeAdmin(TargetSubsystem subsystem, HostIdentity host) {
        if (ConnectData.CNTLID.get(data) != FabricsCommand.DYNAMIC_CONTROLLER) {
            return Answer.inData(ConnectData.CNTLID.offset());
        }
        if (!subsystem.allows(host.nqn())) {
            return Answer.refused(FabricsStatus.CONNECT_INVALID_HOST);
        }
        var authentic = target.authenticating(host.nqn(), subsystem.nqn());
        if (authentic == null && subsystem.requiresAuthentication()) {
            queue.complain(host.nqn() + " has no key here, and " + subsystem.nqn()
                    + " is for hosts that authenticate themselves");
            return Answer.refused(FabricsStatus.CONNECT_INVALID_HOST);
        }
        var control = leased(host);
        if (control == null) {
            return Answer.BUSY;
        }
        boolean granted = false;
        try {
            var association = target.associate(this, subsystem, host);
            association.authenticates(authentic);
            granted = true;
            return Answer.granted(association, authentic, control);
        } catch (IllegalStateException full) {
            queue.complain("no controller for " + host.nqn() + ": " + full.getMessage());
            return Answer.BUSY;
        } finally {
            if (!granted) {
                control.closed();
            }
        }
    }

    /** A connection is a queue pair, and of these there are so many: null when there is none left, or none for this host. */
    private QueueControl leased(HostIdentity host) {
        var control = new QueueControl(queue, qid, sqsizeZeroBased);
        var label = host.shown() + " queue " + qid + " of " + ConnectData.SUBNQN.get(data);
        try {
            control.lease(listener.leases()
                    .lease(new ConnectionLeases.Request(
                            host.shown(), label, queue.reactor().thread(), control)));
            return control;
        } catch (LeaseException none) {
            queue.complain(none.getMessage());
            return null;
        }
    }

    private Answer judgeIo(TargetSubsystem subsystem, HostIdentity host) {
        int controllerId = ConnectData.CNTLID.get(data);
        var association = target.association(subsystem, controllerId);
        if (association == null || association.isEnding()) {
            return Answer.inData(ConnectData.CNTLID.offset());
        }
        // Else any host that is let in could put a queue into another's controller by guessing its identifier.
        if (!association.host().nqn().equals(host.nqn())) {
            return Answer.inData(ConnectData.HOSTNQN.offset());
        }
        if (!association.host().equals(host)) {
            return Answer.inData(ConnectData.HOSTID.offset());
        }
        // All queues of a controller come by one port, whose ANA states are the controller's.
        if (association.listener() != listener) {
            return Answer.inData(ConnectData.CNTLID.offset());
        }
        var cc = new ControllerConfiguration(association.controller().configuration());
        boolean takesQueues = !association.isDiscovery()
                && association.isEnabled()
                && cc.en()
                && cc.iosqes() == IOSQES
                && cc.iocqes() == IOCQES;
        if (!takesQueues) {
            return Answer.inCommand(FabricsCommand.CONNECT_QID_OFFSET);
        }
        if (qid > association.controller().grantedIoQueuePairs()) {
            return Answer.refused(Status.INVALID_QUEUE_IDENTIFIER);
        }
        var control = leased(host);
        if (control == null) {
            return Answer.BUSY;
        }
        if (!association.attach(qid, queue)) {
            control.closed();
            return Answer.refused(Status.INVALID_QUEUE_IDENTIFIER);
        }
        return Answer.granted(association, association.authenticates(), control);
    }

    @Override
    public String toString() {
        return "Connect of queue " + qid + " by " + Complaints.printable(ConnectData.HOSTNQN.get(data)) + " at "
                + queue.connection().peer() + " to " + Complaints.printable(ConnectData.SUBNQN.get(data));
    }
}
