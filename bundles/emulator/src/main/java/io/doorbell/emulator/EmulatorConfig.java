package io.doorbell.emulator;

import io.doorbell.reactor.Reactors;
import org.osgi.service.metatype.annotations.AttributeDefinition;

/**
 * Options of an emulated controller, wherever its driver is: a part of its configuration. A component takes it beside its own options, and names
 * both in the one definition of an object class that says what its file may have.
 */
public @interface EmulatorConfig {
    @AttributeDefinition(
            name = "I/O queue pairs",
            description = "The most I/O queue pairs that a driver gets",
            min = "1",
            max = "1023")
    int io_queue_pairs() default EmulatorSettings.DEFAULT_IO_QUEUE_PAIRS;

    @AttributeDefinition(
            name = "Queue entries",
            description = "The most entries of a queue (CAP.MQES + 1)",
            min = "2",
            max = "4096")
    int max_queue_entries() default EmulatorSettings.DEFAULT_MAX_QUEUE_ENTRIES;

    @AttributeDefinition(
            name = "Longest transfer",
            description = "The most bytes of one command, a power of two (MDTS)",
            min = "8192",
            max = "16777216")
    int max_transfer_bytes() default EmulatorSettings.DEFAULT_MAX_TRANSFER_BYTES;

    @AttributeDefinition(
            name = "Doorbell stride",
            description = "Doorbells are 4 << stride bytes apart (CAP.DSTRD)",
            min = "0",
            max = "6")
    int doorbell_stride() default EmulatorSettings.DEFAULT_DOORBELL_STRIDE;

    @AttributeDefinition(
            name = "Shadow doorbells",
            description =
                    "Whether Doorbell Buffer Config is offered, so that a driver rings only when the device sleeps")
    boolean shadow_doorbells() default true;

    @AttributeDefinition(
            name = "CPU",
            description = "The CPU that the device's reactor runs on; -1 takes the least used, from the last one down",
            min = "-1")
    int cpu() default Reactors.ANY_CPU;
}
