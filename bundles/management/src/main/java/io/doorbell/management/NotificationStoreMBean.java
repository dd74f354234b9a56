package io.doorbell.management;

import org.jolokia.server.core.service.notification.NotificationResult;

/**
 * {@code jolokia:type=NotificationStore,agent=doorbell}, of which clients of Jolokia get the notifications that wait for them: its name is
 * in the answer to their registration. It is Jolokia's, so it is no MXBean and in no domain of ours.
 */
public interface NotificationStoreMBean {

    /** What has come since the last time; nothing of it comes again. Throws {@code IllegalArgumentException} for who is not known. */
    NotificationResult pull(String clientId, String handle);
}
