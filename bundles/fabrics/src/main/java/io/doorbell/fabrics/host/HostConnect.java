package io.doorbell.fabrics.host;

import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connect, as a host sends it. NVMe Base 2.1 §6.3 "Connect command and response".
 *
 * @param name of the controller, for messages
 * @param subnqn the subsystem to connect to
 * @param keys by which this host shows who it is, where it is asked to
 */
public record HostConnect(String name, String subnqn, String hostNqn, UUID hostId, Duration bound, HostKeys keys) {
    private static final Logger LOG = LoggerFactory.getLogger(HostConnect.class);

    /** How long a controller may take to say that it has heard of a Disconnect. */
    private static final Duration DISCONNECT_BOUND = Duration.ofMillis(500);

    private static final int KATO_OFFSET = 48;
    private static final int CATTR_OFFSET = 46;

    /** What a controller granted. */
    public record Granted(int controllerId) {}

    /**
     * Makes a connection the admin queue of a new controller.
     *
     * @throws NvmeException with what the controller says is wrong; of kind {@code GIVE_UP} when the same will be refused again
     */
    public Granted admin(HostConnection connection, int entries, Duration keepAlive) {
        int kato = (int) keepAlive.toMillis();
        return connect(connection, 0, entries, FabricsCommand.DYNAMIC_CONTROLLER, kato);
    }

    /** Makes a connection an I/O queue of a controller that this host has. */
    public void io(HostConnection connection, int queueId, int entries, int controllerId) {
        connect(connection, queueId, entries, controllerId, 0);
    }

    /** Tells a controller that an I/O queue of it goes, which is polite, and nothing depends on it. §6.4 "Disconnect command". */
    public static void disconnect(String name, HostConnection connection) {
        try {
            var command = new NvmCommand().reset(AdminOpcode.FABRICS, FabricsCommand.DISCONNECT);
            var answer = connection.execute(command, null, DISCONNECT_BOUND);
            LOG.debug("{}: Disconnect is answered with status {}", name, answer.status());
        } catch (NvmeException e) {
            LOG.debug("{}", e.getMessage());
        }
    }

    private Granted connect(HostConnection connection, int queueId, int entries, int controllerId, int kato) {
        var command = new NvmCommand().reset(AdminOpcode.FABRICS, FabricsCommand.CONNECT);
        command.cdw10 = FabricsCommand.connectDword10(0, queueId);
        // Our queues cannot overflow, so nobody needs to count for us; a controller may do it all the same.
        command.cdw11 = FabricsCommand.connectDword11(entries - 1, FabricsCommand.CATTR_DISABLE_FLOW_CONTROL);
        command.cdw12 = kato;
        var data = MemorySegment.ofArray(new byte[ConnectData.SIZE_BYTES]);
        ConnectData.HOSTID.set(data, hostId);
        ConnectData.CNTLID.set(data, controllerId);
        ConnectData.SUBNQN.set(data, subnqn);
        ConnectData.HOSTNQN.set(data, hostNqn);
        var attempted = name + ", Connect of queue " + queueId + " to " + subnqn;

        var answer = connection.execute(command, data, bound);
        if (answer.status() != Status.SUCCESS) {
            throw refused(attempted, answer.status(), (int) answer.result());
        }
        if ((answer.result() & FabricsCommand.CONNECT_AUTHREQ_ASCR) != 0) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP,
                    attempted,
                    "the controller wants a secure channel made of the authentication, which is not done here");
        }
        if ((answer.result() & FabricsCommand.CONNECT_AUTHREQ_ATR) != 0) {
            new HostAuthentication(attempted, keys, hostNqn, subnqn, connection, bound).run();
        }
        return new Granted((int) answer.result() & 0xFFFF);
    }

    private NvmeException refused(String attempted, int status, int dw0) {
        var kind = (status & Status.DNR) != 0 ? NvmeException.Kind.GIVE_UP : NvmeException.Kind.RETRY;
        return new NvmeException(
                kind, attempted, "refused with " + FabricsStatus.name(status) + explained(status, dw0));
    }

    private String explained(int status, int dw0) {
        return switch (Status.code(status)) {
            case FabricsStatus.CONNECT_INVALID_PARAMETERS -> ": " + invalid(dw0);
            case FabricsStatus.CONNECT_INVALID_HOST -> ": it does not let " + hostNqn + " in";
            case FabricsStatus.CONTROLLER_BUSY -> ": it has nothing left for one more controller or queue";
            case FabricsStatus.INCOMPATIBLE_FORMAT ->
                ": it does not know record format 0 of Connect; its own are " + (dw0 & 0xFFFF) + " to " + (dw0 >>> 16);
            case FabricsStatus.CONNECT_RESTART_DISCOVERY -> ": the subsystem is to be looked for anew, by discovery";
            case FabricsStatus.AUTHENTICATION_REQUIRED -> ": it demands authentication, which is not configured here";
            default -> "";
        };
    }

    /** IATTR and IPO: which byte of the command or of its data is wrong. */
    private String invalid(int dw0) {
        int offset = dw0 & 0xFFFF;
        boolean inData = (dw0 & 1 << 16) != 0;
        if (!inData) {
            return switch (offset) {
                case FabricsCommand.CONNECT_RECFMT_OFFSET -> "the record format";
                case FabricsCommand.CONNECT_QID_OFFSET -> "the queue id: it has no such queue to give, or not yet";
                case FabricsCommand.CONNECT_SQSIZE_OFFSET -> "the queue size: its queues have fewer entries";
                case CATTR_OFFSET -> "the connect attributes";
                case KATO_OFFSET -> "the keep alive timeout";
                default -> "byte " + offset + " of the command";
            };
        }
        if (offset == ConnectData.HOSTID.offset()) {
            return "the host identifier " + hostId + ": it knows " + hostNqn + " by another";
        }
        if (offset == ConnectData.CNTLID.offset()) {
            return "the controller id: there is no such controller any more, or it is made anew for each host";
        }
        if (offset == ConnectData.SUBNQN.offset()) {
            return "the subsystem " + subnqn + ": there is none of that name here, or not for this host";
        }
        if (offset == ConnectData.HOSTNQN.offset()) {
            return "the host name " + hostNqn;
        }
        return "byte " + offset + " of its data";
    }
}
