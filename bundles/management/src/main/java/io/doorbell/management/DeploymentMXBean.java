package io.doorbell.management;

import java.util.List;
import java.util.SortedMap;

/** The plug-ins' files. */
@Description("The jars in deploy/ of the node's home: what stands there runs, the newest version of each plug-in.")
public interface DeploymentMXBean {

    @Description("The jars, by file name. bytes is the size, changedAtMillis is ms since 1970.")
    SortedMap<String, PluginFile> getFiles();

    @Description("The largest jar that deploy takes, bytes.")
    int getMaxBytes();

    @Description(
            "Puts a jar into deploy/, where the node takes it up within a second or two: a new plug-in starts, a newer"
                    + " version takes the place of an older one. The attribute Bundles of Bundles tells what became of it.")
    PluginFile deploy(
            @Description("Name of the file: letters, digits, dots, dashes and underscores, with .jar at the end.")
                    String file,
            @Description("The jar, in base64.") String contentBase64);

    @Description(
            "Deletes the jars of a plug-in, all versions: what it holds is drained, and it is closed. Returns the names of"
                    + " the files.")
    List<String> undeploy(@Description("Symbolic name of the plug-in.") String name);

    /**
     * A jar as an operator sees it.
     *
     * @param name symbolic name of the plug-in in it
     */
    record PluginFile(String file, String name, String version, long bytes, long changedAtMillis) {}
}
