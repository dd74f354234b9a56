/**
 * What runs before and around the bundles. Reading order: {@link io.doorbell.runtime.Main} is the command line;
 * {@link io.doorbell.runtime.Home} is a node's directory and {@link io.doorbell.runtime.Distribution} what it is filled
 * from; {@link io.doorbell.runtime.Node} is Felix with the bundles of the distribution in it;
 * {@link io.doorbell.runtime.RunCommand}, {@link io.doorbell.runtime.ToolCommand} and
 * {@link io.doorbell.runtime.DemoCommand} are what can be done with one.
 *
 * <p>The launcher knows no bundle by class. A bundle offers a command as a service {@link java.util.spi.ToolProvider}
 * with the property {@code doorbell.command}; a driver offers a controller as a service with the property
 * {@code doorbell.trid}.
 */
package io.doorbell.runtime;
