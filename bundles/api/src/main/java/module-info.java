/** What bundles say to each other: contracts, and the little code that every provider would otherwise write again. */
module io.doorbell.api {
    requires transitive io.doorbell.nvme;
    requires transitive io.doorbell.platform;
    requires static osgi.annotation;

    exports io.doorbell.configuration;
    exports io.doorbell.host;
    exports io.doorbell.host.admin;
    exports io.doorbell.lease;
    exports io.doorbell.pci;
    exports io.doorbell.reactor;
    exports io.doorbell.statistics;
    exports io.doorbell.storage;
    exports io.doorbell.target;
    exports io.doorbell.verbs;
    exports io.doorbell.verbs.provider;
    exports io.doorbell.workload;
}
