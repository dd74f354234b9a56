package io.doorbell.resources;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What can be configured, under the PID {@value #PID}. */
@ObjectClassDefinition(
        name = "Doorbell resources",
        description =
                "Leases of queue pairs: how long their ends may take, and who may hold how many. Reactors: how they idle")
public @interface Options {
    String PID = "io.doorbell.resources";

    @AttributeDefinition(
            name = "Grace on release",
            description = "Milliseconds in which commands may drain when the holder lets go of its lease itself",
            min = "0",
            max = "60000")
    int grace_release_ms() default 1000;

    @AttributeDefinition(
            name = "Grace on stop",
            description =
                    "Milliseconds in which commands may drain when the holder's bundle stops or is updated, when the"
                            + " queue pair failed, or when the controller's driver goes",
            min = "0",
            max = "60000")
    int grace_stop_ms() default 200;

    @AttributeDefinition(
            name = "Grace on preemption",
            description =
                    "Milliseconds in which commands may drain when a guaranteed request of another bundle needs the queue pair",
            min = "0",
            max = "60000")
    int grace_preempt_ms() default 1000;

    @AttributeDefinition(
            name = "Grace for the operator",
            description = "Milliseconds in which commands may drain when an operator takes the lease back",
            min = "0",
            max = "60000")
    int grace_operator_ms() default 1000;

    @AttributeDefinition(
            name = "Abort bound",
            description = "Milliseconds the controller has to answer the Abort commands for what did not drain",
            min = "1",
            max = "60000")
    int abort_bound_ms() default 500;

    @AttributeDefinition(
            name = "Delete bound",
            description = "Milliseconds the controller has to delete the two queues; after that it is reset",
            min = "1",
            max = "60000")
    int delete_bound_ms() default 2000;

    @AttributeDefinition(
            name = "Wait limit",
            description =
                    "Seconds a request may wait for a queue pair or a controller at most, whatever bound it brings",
            min = "0",
            max = "86400")
    int wait_limit_s() default 300;

    @AttributeDefinition(
            name = "Memory limit",
            description = "Mebibytes of data memory that one lease may allocate",
            min = "1",
            max = "1048576")
    int memory_limit_mib() default 1024;

    @AttributeDefinition(
            name = "Connections per host",
            description =
                    "Connections that one host may have at each listener: queues of all its controllers; 0 for as many"
                            + " as the listener has",
            min = "0",
            max = "65535")
    int connections_per_host() default 0;

    @AttributeDefinition(
            name = "Policies",
            description =
                    "Rules of the form symbolic-name: guaranteed=1 maximum=8 priority=5. Numbers are queue pairs of"
                            + " each controller, and connections of each listener; * in a name stands for any characters; the first rule that fits counts")
    String[] policies() default {};

    @AttributeDefinition(
            name = "Pin reactors",
            description =
                    "Whether each reactor is bound to one CPU where Linux permits it. For reactors opened from now on")
    boolean reactor_pin() default true;

    @AttributeDefinition(
            name = "Spin cycles",
            description = "Idle cycles of a reactor before it begins to yield its CPU",
            min = "0",
            max = "100000000")
    int reactor_spin_cycles() default 2000;

    @AttributeDefinition(
            name = "Yield cycles",
            description = "Idle cycles with a yield each before a reactor asks its pollers whether it may sleep",
            min = "1",
            max = "100000000")
    int reactor_yield_cycles() default 200;

    @AttributeDefinition(
            name = "CPUs of reactors",
            description =
                    "NAME: CPU of each reactor that is to be bound to a CPU of its own, whatever else says where it goes;"
                            + " names as in management. Reactors that live move")
    String[] reactor_cpus() default {};
}
