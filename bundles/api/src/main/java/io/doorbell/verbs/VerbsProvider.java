package io.doorbell.verbs;

import java.util.List;

/** What has RDMA devices, in hardware or in software: a service. Any thread. */
public interface VerbsProvider {

    /** For messages and configuration. */
    String name();

    /** Those there are now. They are the provider's, which closes them when it goes; everything made of them ends then. */
    List<VerbsDevice> devices();

    /** Why it has no devices, and what mends it; empty where there is nothing to say. A provider that gets one comes as a new service. */
    default String problem() {
        return "";
    }
}
