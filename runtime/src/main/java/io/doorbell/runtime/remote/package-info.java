/**
 * Commands that ask a running node, over Jolokia. {@link io.doorbell.runtime.remote.RunningNode} finds the node of a home on this
 * machine and speaks with it; each {@code …Command} asks for what it shows, and shows it as a
 * {@link io.doorbell.runtime.remote.Table} or, with {@code --json}, as the node said it.
 */
package io.doorbell.runtime.remote;
