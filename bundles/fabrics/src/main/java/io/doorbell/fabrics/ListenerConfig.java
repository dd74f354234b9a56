package io.doorbell.fabrics;

import org.osgi.service.metatype.annotations.AttributeDefinition;

/**
 * Options of a listener, whatever its network: a part of its configuration. The component of a transport takes it beside its own options, and
 * names both in the one definition of an object class that says what its file may have.
 */
public @interface ListenerConfig {
    @AttributeDefinition(name = "Name", description = "Unique in the node", min = "1", max = "32")
    String name();

    @AttributeDefinition(name = "Port", description = "4420 is registered for NVMe", min = "1", max = "65535")
    int port() default 4420;

    @AttributeDefinition(
            name = "Subsystems",
            description = "Qualified names of the subsystems to be reached here; all where none is named",
            required = false)
    String[] subsystems() default {};

    @AttributeDefinition(
            name = "ANA states",
            description = "group=state: how ANA groups of namespaces are reached here: optimized (which those are that"
                    + " are not named), non-optimized, inaccessible, persistent-loss or change",
            required = false)
    String[] ana() default {};

    @AttributeDefinition(
            name = "Connections",
            description = "The most connections of all hosts; each queue of a host is one",
            min = "1",
            max = "4096")
    int max_connections() default 256;

    @AttributeDefinition(
            name = "I/O queues",
            description = "The most I/O queues of a controller",
            min = "1",
            max = "1024")
    int max_io_queues() default 64;

    @AttributeDefinition(
            name = "Buffer",
            description = "Mebibytes for data on their way, for each reactor",
            min = "4",
            max = "1024")
    int buffer_mib() default 64;
}
