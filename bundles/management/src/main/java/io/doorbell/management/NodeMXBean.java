package io.doorbell.management;

/** The node and the machine it runs on. */
@Description("The node, and what it has of the machine.")
public interface NodeMXBean {

    @Description("Version of the distribution.")
    String getVersion();

    @Description("Home of the node: its config/, deploy/ and var/.")
    String getHome();

    @Description("Process id.")
    long getPid();

    @Description("When the node started, ms since 1970.")
    long getStartedAtMillis();

    @Description("How long it has run, ms.")
    long getUptimeMillis();

    @Description("Version of the JVM.")
    String getJavaVersion();

    @Description("Kernel and its version.")
    String getOperatingSystem();

    @Description("CPUs that this process may use.")
    int getCpus();

    @Description("Bytes of the heap in use.")
    long getHeapUsedBytes();

    @Description("Bytes that the heap may have.")
    long getHeapMaxBytes();

    @Description("Bytes of memory of the machine; -1 where that is not known.")
    long getMemoryTotalBytes();

    @Description("Bytes of memory that programs could have without swapping; -1 where that is not known.")
    long getMemoryAvailableBytes();

    @Description("Size of a huge page, bytes.")
    long getHugePageBytes();

    @Description("Huge pages in the pool; -1 where that is not known.")
    long getHugePagesTotal();

    @Description("Huge pages that are free; -1 where that is not known.")
    long getHugePagesFree();

    @Description("Bytes of memory that this process may lock, which DMA takes; -1 where that is not known.")
    long getLockedMemoryLimitBytes();
}
