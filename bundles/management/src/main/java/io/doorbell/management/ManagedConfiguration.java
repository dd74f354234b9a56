package io.doorbell.management;

import io.doorbell.configuration.ConfigurationFiles;
import io.doorbell.configuration.ConfigurationFiles.ConfigurationFileStatus;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;

/** {@code io.doorbell:type=Configuration}. Any thread. */
final class ManagedConfiguration implements ConfigurationMXBean, AutoCloseable {
    private final ConfigurationFiles files;
    private final Registration registration;

    ManagedConfiguration(ConfigurationFiles files, MBeanServer server) {
        this.files = files;
        this.registration = Registration.of(
                server,
                Registration.name("Configuration"),
                new DescribedMBean<>(this, ConfigurationMXBean.class, new NotificationBroadcasterSupport()));
    }

    @Override
    public SortedMap<String, ConfigurationFileStatus> getFiles() {
        var rows = new TreeMap<String, ConfigurationFileStatus>();
        files.files().forEach(file -> rows.put(file.file(), file));
        return rows;
    }

    @Override
    public void set(String file, String key, String value) {
        // Without the value, which may be a secret.
        Operation.of("set " + key + " of " + file, () -> files.set(text(file), Map.of(text(key), text(value))));
    }

    @Override
    public void unset(String file, String key) {
        Operation.of("unset " + key + " of " + file, () -> {
            var there = Operation.one(getFiles(), file, "file");
            Operation.one(there.entries(), key, "key in " + file);
            files.set(file, Map.of(key, ConfigurationFiles.UNSET));
        });
    }

    @Override
    public void remove(String file) {
        Operation.of("remove " + file, () -> files.remove(text(file)));
    }

    private static String text(String argument) {
        if (argument == null) {
            throw new IllegalArgumentException("an argument is missing");
        }
        return argument;
    }

    @Override
    public void close() {
        registration.close();
    }
}
