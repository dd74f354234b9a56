/**
 * What an administrator does to a controller, over any {@link io.doorbell.host.NvmeController}: plain blocking calls, any
 * thread. {@link io.doorbell.host.admin.AdminCommands} has what is one command;
 * {@link io.doorbell.host.admin.NamespaceManagement}, {@link io.doorbell.host.admin.FirmwareUpdate},
 * {@link io.doorbell.host.admin.Sanitization} and {@link io.doorbell.host.admin.SelfTest} what takes more than one, or
 * goes on after its command has ended.
 *
 * <p>What a controller refuses is a {@link io.doorbell.nvme.NvmeException} with the status by name. What cannot be a
 * command at all is an {@link IllegalArgumentException}. Nothing here asks first whether the controller offers something:
 * it says so itself, and it is right.
 */
@Export
@Version("1.0.0")
package io.doorbell.host.admin;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
