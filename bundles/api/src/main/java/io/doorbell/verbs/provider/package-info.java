/**
 * What providers of {@code io.doorbell.verbs} have in common, whatever their devices are. Nobody who uses a device needs it.
 *
 * <p>In reading order: {@link io.doorbell.verbs.provider.Checks}, {@link io.doorbell.verbs.provider.Users}, {@link io.doorbell.verbs.provider.News},
 * {@link io.doorbell.verbs.provider.OwnerThread}.
 */
@Export
@Version("1.0.0")
package io.doorbell.verbs.provider;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
