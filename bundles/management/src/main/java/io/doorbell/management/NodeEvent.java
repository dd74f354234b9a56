package io.doorbell.management;

/**
 * Something that happened.
 *
 * @param id grows by one with each
 * @param kind such as {@code lease.granted}, {@code link.down}, {@code alarm.raised}
 * @param subject to what: a lease, a listener, a controller, a bundle, a check
 */
public record NodeEvent(long id, long timeMillis, String kind, String subject, String message) {}
