package io.doorbell.management;

import java.util.SortedMap;

/** The bundles of the node, and its plug-ins. */
@Description("The bundles of the node. Plug-ins are those of deploy/: they come and go while the node runs.")
public interface BundlesMXBean {

    @Description(
            "Bundles by symbolic name. state is INSTALLED (what it needs is missing), RESOLVED (stopped), STARTING,"
                    + " ACTIVE or STOPPING; leases are those it holds.")
    SortedMap<String, BundleRow> getBundles();

    @Description("Stops a plug-in: what it holds on lease is taken back in order. It stays stopped until start, until"
            + " another version of it is deployed, or until the node starts again. Returns when it has stopped.")
    void drain(@Description("Symbolic name of a plug-in, a key of the attribute Bundles") String name);

    @Description("Starts a plug-in that was drained.")
    void start(@Description("Symbolic name of a plug-in, a key of the attribute Bundles") String name);

    /** A bundle as an operator sees it. */
    record BundleRow(String name, String version, String state, boolean plugIn, String location, int leases) {}
}
