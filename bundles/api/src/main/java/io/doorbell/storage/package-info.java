/**
 * What executes NVM commands. A {@link io.doorbell.storage.Namespace} is opened per reactor as a
 * {@link io.doorbell.storage.NamespaceSession}, which takes {@link io.doorbell.storage.NvmRequest}s.
 * {@link io.doorbell.storage.BackendProvider}s make namespaces from a line of configuration.
 */
@Export
@Version("1.0.0")
package io.doorbell.storage;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
