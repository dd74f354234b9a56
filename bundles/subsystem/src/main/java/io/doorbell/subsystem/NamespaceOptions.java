package io.doorbell.subsystem;

/**
 * What stands behind a namespace in configuration, after a semicolon.
 *
 * @param zones null where it has none
 * @param shrink whether it may become smaller, and lose what lies behind its new end
 */
record NamespaceOptions(ZoneOptions zones, boolean shrink) {
    static final NamespaceOptions NONE = new NamespaceOptions(null, false);

    /** @throws IllegalArgumentException what is wrong, and what the form is */
    static NamespaceOptions parse(String text) {
        boolean shrink = false;
        var ofZones = new StringBuilder();
        for (String option : text.split(";")) {
            String word = option.trim();
            if (word.equals("shrink")) {
                shrink = true;
            } else {
                ofZones.append(ofZones.isEmpty() ? "" : ";").append(word);
            }
        }
        return new NamespaceOptions(ofZones.isEmpty() ? null : ZoneOptions.parse(ofZones.toString()), shrink);
    }

    NamespaceOptions withShrink(boolean may) {
        return new NamespaceOptions(zones, may);
    }

    /** As configuration spells it. */
    @Override
    public String toString() {
        return (zones == null ? "" : ";" + zones) + (shrink ? ";shrink" : "");
    }
}
