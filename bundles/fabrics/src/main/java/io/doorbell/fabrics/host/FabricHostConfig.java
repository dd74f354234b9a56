package io.doorbell.fabrics.host;

import org.osgi.service.metatype.annotations.AttributeDefinition;

/**
 * Options of an initiator, whatever its network: a part of its configuration. The component of a transport takes it beside its own options, and
 * names both in the one definition of an object class that says what its file may have.
 */
public @interface FabricHostConfig {
    @AttributeDefinition(
            name = "Host identifier",
            description = "UUID that names this host to controllers. Empty: one made of /etc/machine-id.",
            required = false)
    String host_id() default "";

    @AttributeDefinition(
            name = "Host NQN",
            description = "Qualified name of this host. Empty: nqn.2014-08.org.nvmexpress:uuid:HOST-ID",
            required = false)
    String host_nqn() default "";

    @AttributeDefinition(
            name = "Queue pairs",
            description = "Queue pairs asked of the controller, a connection each; it may grant fewer",
            min = "1",
            max = "65534")
    int queue_pairs() default 128;

    @AttributeDefinition(
            name = "Longest transfer",
            description = "KiB. Longer reads and writes are split. Controllers may set a lower limit (MDTS).",
            min = "4",
            max = "2048")
    int max_transfer_kib() default 1024;

    @AttributeDefinition(
            name = "Keep alive",
            description = "Milliseconds that either side may be silent before the other takes it for gone; 0 for ever",
            min = "0",
            max = "3600000")
    int keep_alive_ms() default 10_000;

    @AttributeDefinition(
            name = "Admin timeout",
            description = "Milliseconds. An admin command that takes longer is aborted; if that does not help, the"
                    + " controller is connected to anew.",
            min = "100",
            max = "600000")
    int admin_timeout_ms() default 10_000;

    @AttributeDefinition(
            name = "I/O timeout",
            description = "Milliseconds. The same for reads, writes and their kin. 0 waits for ever.",
            min = "0",
            max = "600000")
    int io_timeout_ms() default 30_000;

    @AttributeDefinition(
            name = "Retries of I/O",
            description =
                    "Times that a command is given to a controller again which says that this may help. 0: never.",
            min = "0",
            max = "255")
    int io_retries() default 4;

    @AttributeDefinition(
            name = "Connect timeout",
            description = "Milliseconds that a connection may take until it is a queue",
            min = "100",
            max = "600000")
    int connect_timeout_ms() default 5_000;

    @AttributeDefinition(
            name = "Reconnect delay",
            description = "Milliseconds between two attempts to reach a controller that was lost",
            min = "10",
            max = "600000")
    int reconnect_delay_ms() default 2_000;

    @AttributeDefinition(
            name = "Loss timeout",
            description =
                    "Seconds. A controller that was lost for so long is gone for its users, who wait until then; it"
                            + " is still looked for.",
            min = "0",
            max = "86400")
    int loss_timeout_s() default 600;
}
