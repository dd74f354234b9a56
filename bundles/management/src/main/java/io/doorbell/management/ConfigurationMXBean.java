package io.doorbell.management;

import io.doorbell.configuration.ConfigurationFiles;
import java.util.SortedMap;

/** The files of config/. */
@Description("The files of config/, one per component; comments in them explain every option.")
public interface ConfigurationMXBean {

    @Description("Files by name. state is APPLIED, REJECTED (problem says why; what was in force before stays so) or"
            + " WAITING for a bundle; changedAtMillis is ms since 1970. entries are those that stand in the file;"
            + " those that do not have their defaults.")
    SortedMap<String, ConfigurationFiles.ConfigurationFileStatus> getFiles();

    @Description(
            "Gives a key another value, and makes the file where there may be several of its kind and it is not there."
                    + " A value that is not allowed changes nothing.")
    void set(
            @Description("Name of the file: PID.cfg or PID~NAME.cfg") String file,
            @Description("Key") String key,
            @Description("Value, as it would stand in the file") String value);

    @Description("Takes the line of a key out of a file, so that its default counts.")
    void unset(@Description("Name of the file") String file, @Description("Key") String key);

    @Description("Takes a file away, and with it what it configures. Only where there may be several: PID~NAME.cfg.")
    void remove(@Description("Name of the file") String file);
}
