/**
 * Threads that poll. {@link io.doorbell.resources.reactor.ReactorPool} opens them and decides where they run,
 * {@code ReactorThread} is one of them, {@code TaskQueue} is how other threads reach it. Plain Java: a program without a
 * container makes a pool of its own.
 */
package io.doorbell.resources.reactor;
