/**
 * Threads that poll. {@link io.doorbell.reactor.Reactor} is one thread, pinned where it may be, that runs
 * {@link io.doorbell.reactor.Poller}s; {@link io.doorbell.reactor.Reactors} hands them out. Whatever a poller owns is
 * touched by its reactor only, so nothing on that path needs a lock.
 */
@Export
@Version("1.0.0")
package io.doorbell.reactor;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
