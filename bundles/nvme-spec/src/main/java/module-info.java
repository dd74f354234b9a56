/** NVMe as data. */
module io.doorbell.nvme {
    requires static osgi.annotation;

    exports io.doorbell.nvme;
}
