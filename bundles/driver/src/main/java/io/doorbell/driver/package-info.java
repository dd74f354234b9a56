/**
 * The half of a driver that does not know what carries its commands: rings in memory, or capsules on a network. In reading
 * order:
 *
 * <ol>
 *   <li>{@link io.doorbell.driver.DriverController}: the life of a controller as far as it is alike for all: states, listeners,
 *       admin commands, resets that are asked for, and who watches what. A transport brings it up and takes it down;
 *   <li>{@link io.doorbell.driver.RunningController}: what it is between the one and the other;
 *   <li>{@link io.doorbell.driver.AdminQueue}: admin commands as blocking calls, with {@link io.doorbell.driver.AdminThread},
 *       {@code AsyncEvents}, {@code KeepAlive}, {@link io.doorbell.driver.NamespaceReader};
 *   <li>{@link io.doorbell.driver.StagingQueuePair}: the hot path up to the transport, with {@link
 *       io.doorbell.driver.OwnedQueuePair} (who may), {@link io.doorbell.driver.Trackers} (what is in flight), {@link
 *       io.doorbell.driver.TrackedQueuePair} (how it ends), {@link io.doorbell.driver.DataPointers} (where the data is);
 *   <li>{@link io.doorbell.driver.QueuePairSet} and {@link io.doorbell.driver.DriverQueuePairControl}: all of a controller, and how
 *       one is taken from its owner.
 * </ol>
 *
 * <p>What is public here is so for drivers, not for holders of queue pairs: those see {@code io.doorbell.host}.
 */
@Export
@Version("1.0.0")
package io.doorbell.driver;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
