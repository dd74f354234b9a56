package io.doorbell.deployment;

import java.util.ArrayList;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.SortedMap;

/**
 * The keys of one PID, as a bundle declares them.
 *
 * @param factory each file {@code PID~NAME.cfg} makes one more component; otherwise there is one, from {@code PID.cfg}
 */
record Schema(String pid, boolean factory, SortedMap<String, Option> options) {

    /** Either typed properties for Config Admin, or at least one problem. */
    record Checked(Dictionary<String, Object> properties, List<String> problems) {}

    Checked check(ConfigurationFile file) {
        var properties = new Hashtable<String, Object>();
        var problems = new ArrayList<>(file.problems());
        if (factory && file.name() == null) {
            problems.add("there may be several of " + pid + ": call the file " + pid + "~NAME.cfg");
        }
        if (!factory && file.name() != null) {
            problems.add("there is one " + pid + ": call the file " + pid + ".cfg");
        }
        file.entries().forEach((key, text) -> {
            var option = options.get(key);
            if (option == null) {
                problems.add(key + " = " + text + ": there is no such key; known are "
                        + String.join(", ", options.keySet()));
                return;
            }
            option.parse(text)
                    .ifPresentOrElse(
                            value -> properties.put(key, value),
                            () -> problems.add(key + " = " + (option.secret() ? "..." : text) + ": must be "
                                    + option.whatIsAllowed()));
        });
        for (var option : options.values()) {
            if (option.required()
                    && option.defaultValue() == null
                    && !file.entries().containsKey(option.key())) {
                problems.add(option.key() + " is missing: must be " + option.whatIsAllowed());
            }
        }
        return new Checked(properties, List.copyOf(problems));
    }
}
