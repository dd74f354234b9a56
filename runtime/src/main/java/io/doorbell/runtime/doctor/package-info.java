/**
 * What this machine lacks for a node, and the command that mends it: {@link io.doorbell.runtime.doctor.DoctorCommand} shows the
 * {@link io.doorbell.runtime.doctor.Finding}s of {@link io.doorbell.runtime.doctor.MachineChecks} and
 * {@link io.doorbell.runtime.doctor.PortChecks}. Nothing is changed.
 */
package io.doorbell.runtime.doctor;
