/**
 * What stands in a home's {@code config/} and {@code deploy/} becomes what runs. File Install looks at the two folders
 * and calls the two services here, which rank before its own handlers:
 *
 * <ul>
 *   <li>{@link io.doorbell.deployment.ConfigurationInstaller} takes {@code .cfg} files. It checks each against what the
 *       bundles declare ({@link io.doorbell.deployment.Schema}, read by {@link io.doorbell.deployment.Metatype} from
 *       the Metatype files in their jars) before Config Admin hears of it;
 *   <li>{@link io.doorbell.deployment.PluginInstaller} takes {@code .jar} files. Of several versions of one plug-in it
 *       runs the newest that starts.
 * </ul>
 */
package io.doorbell.deployment;
