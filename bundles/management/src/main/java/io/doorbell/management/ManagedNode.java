package io.doorbell.management;

import io.doorbell.platform.Machine;
import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;
import javax.management.ObjectName;

/** {@code io.doorbell:type=Node}. Any thread. */
final class ManagedNode implements NodeMXBean, AutoCloseable {
    private final String version;
    private final String home;
    private final Registration registration;

    ManagedNode(String version, String home, MBeanServer server) {
        this.version = version;
        this.home = home;
        this.registration = Registration.of(
                server,
                Registration.name("Node"),
                new DescribedMBean<>(this, NodeMXBean.class, new NotificationBroadcasterSupport()));
    }

    @Override
    public String getVersion() {
        return version;
    }

    @Override
    public String getHome() {
        return home;
    }

    @Override
    public long getPid() {
        return ProcessHandle.current().pid();
    }

    @Override
    public long getStartedAtMillis() {
        return ManagementFactory.getRuntimeMXBean().getStartTime();
    }

    @Override
    public long getUptimeMillis() {
        return ManagementFactory.getRuntimeMXBean().getUptime();
    }

    @Override
    public String getJavaVersion() {
        return Runtime.version().toString();
    }

    @Override
    public String getOperatingSystem() {
        return System.getProperty("os.name") + " " + System.getProperty("os.version");
    }

    @Override
    public int getCpus() {
        return Runtime.getRuntime().availableProcessors();
    }

    @Override
    public long getHeapUsedBytes() {
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    @Override
    public long getHeapMaxBytes() {
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getMax();
    }

    @Override
    public long getMemoryTotalBytes() {
        try {
            // By name: the JVM's own bean has it, and its interface is not part of Java.
            return (Long) ManagementFactory.getPlatformMBeanServer()
                    .getAttribute(new ObjectName(ManagementFactory.OPERATING_SYSTEM_MXBEAN_NAME), "TotalMemorySize");
        } catch (JMException unknown) {
            return Machine.UNKNOWN;
        }
    }

    @Override
    public long getMemoryAvailableBytes() {
        return Machine.availableMemoryBytes();
    }

    @Override
    public long getHugePageBytes() {
        return Machine.HUGE_PAGE_BYTES;
    }

    @Override
    public long getHugePagesTotal() {
        return Machine.totalHugePages();
    }

    @Override
    public long getHugePagesFree() {
        return Machine.freeHugePages();
    }

    @Override
    public long getLockedMemoryLimitBytes() {
        return Machine.lockedMemoryLimitBytes();
    }

    @Override
    public void close() {
        registration.close();
    }
}
