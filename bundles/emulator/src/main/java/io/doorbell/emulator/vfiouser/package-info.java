/**
 * Emulated functions for drivers in other processes, over vfio-user. {@link io.doorbell.emulator.vfiouser.VfioUserServer}
 * listens at a socket and serves one client at a time; a {@code Session} is that client. Every field that it names is
 * checked: it can break its own session, and nothing else.
 */
package io.doorbell.emulator.vfiouser;
