/**
 * The files of {@code config/} for those who change them from within the node: {@link io.doorbell.configuration.ConfigurationFiles}.
 */
@Export
@Version("1.0.0")
package io.doorbell.configuration;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
