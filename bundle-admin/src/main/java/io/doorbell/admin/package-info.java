/**
 * {@code identify}: what a controller and its namespaces say of themselves. In reading order:
 * {@link io.doorbell.admin.Identify} is the command, without a container; {@link io.doorbell.admin.Inspection} asks the
 * controller, over {@link io.doorbell.host.admin.AdminCommands}, and makes a {@link io.doorbell.admin.Report}, which
 * {@link io.doorbell.admin.ReportText} and {@link io.doorbell.admin.ReportJson} say;
 * {@link io.doorbell.admin.AdminComponent} puts it into a container.
 */
package io.doorbell.admin;
