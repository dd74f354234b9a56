/**
 * What an operator sees and can do, as MBeans under {@code io.doorbell:*}. An MBean is there while the service is that it
 * shows: {@link io.doorbell.management.LeaseManagement}, {@link io.doorbell.management.ControllerManagement},
 * {@link io.doorbell.management.PerfManagement} and {@link io.doorbell.management.ReactorManagement} see to that. Each
 * {@code …MXBean} interface is the contract with JMX clients, described in place, each {@code Managed…} class serves it.
 * {@link io.doorbell.management.http} carries them over HTTP.
 *
 * <p>Attributes of MXBeans are named by their getters, so here, and only here, methods are called {@code get…}.
 */
package io.doorbell.management;
