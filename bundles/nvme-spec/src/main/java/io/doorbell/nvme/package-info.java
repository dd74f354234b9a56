/** NVMe as data. Default document: NVM Express Base Specification 2.1. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package io.doorbell.nvme;
