package io.doorbell.subsystem;

import io.doorbell.target.AccessStates;

/**
 * What stands behind a namespace in configuration, after a semicolon.
 *
 * @param zones null where it has none
 * @param shrink whether it may become smaller, and lose what lies behind its new end
 * @param group ANA group
 */
record NamespaceOptions(ZoneOptions zones, boolean shrink, int group) {
    static final NamespaceOptions NONE = new NamespaceOptions(null, false, 1);

    private static final String ANA = "ana=";

    NamespaceOptions {
        AccessStates.check(group);
    }

    /** @throws IllegalArgumentException what is wrong, and what the form is */
    static NamespaceOptions parse(String text) {
        boolean shrink = false;
        int group = 1;
        var ofZones = new StringBuilder();
        for (String option : text.split(";")) {
            String word = option.trim();
            if (word.equals("shrink")) {
                shrink = true;
            } else if (word.startsWith(ANA)) {
                group = group(word.substring(ANA.length()).trim());
            } else {
                ofZones.append(ofZones.isEmpty() ? "" : ";").append(word);
            }
        }
        return new NamespaceOptions(ofZones.isEmpty() ? null : ZoneOptions.parse(ofZones.toString()), shrink, group);
    }

    private static int group(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException notANumber) {
            throw new IllegalArgumentException(
                    "ANA group \"" + text + "\": 1 to " + AccessStates.MAX_GROUP, notANumber);
        }
    }

    NamespaceOptions withGroup(int other) {
        return new NamespaceOptions(zones, shrink, other);
    }

    NamespaceOptions withShrink(boolean may) {
        return new NamespaceOptions(zones, may, group);
    }

    /** As configuration spells it. */
    @Override
    public String toString() {
        return (zones == null ? "" : ";" + zones) + (shrink ? ";shrink" : "") + (group == 1 ? "" : ";" + ANA + group);
    }
}
