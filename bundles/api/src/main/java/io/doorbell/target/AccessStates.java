package io.doorbell.target;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * The state of each group of namespaces (ANA group) for who comes by one listener. Immutable.
 *
 * @param states by group, 1 to {@link #MAX_GROUP}; a group that is not there is {@link AccessState#OPTIMIZED}
 */
public record AccessStates(Map<Integer, AccessState> states) {
    /** ANAGRPMAX. Few enough for the log page to fit in the shortest transfer that a listener may be configured with. */
    public static final int MAX_GROUP = 32;

    public static final AccessStates ALL_OPTIMIZED = new AccessStates(Map.of());

    public AccessStates {
        states.keySet().forEach(AccessStates::check);
        states = Collections.unmodifiableMap(new TreeMap<>(states));
    }

    public AccessState of(int group) {
        return states.getOrDefault(group, AccessState.OPTIMIZED);
    }

    /** With another state for a group. */
    public AccessStates with(int group, AccessState state) {
        var next = new TreeMap<>(states);
        next.put(group, state);
        return new AccessStates(next);
    }

    /** @throws IllegalArgumentException unless there can be such a group */
    public static int check(int group) {
        if (group < 1 || group > MAX_GROUP) {
            throw new IllegalArgumentException("ANA group " + group + ": 1 to " + MAX_GROUP);
        }
        return group;
    }

    /**
     * Reads entries of the form {@code group=state}.
     *
     * @throws IllegalArgumentException which entry is wrong, and what is allowed
     */
    public static AccessStates parse(String[] entries) {
        var states = new TreeMap<Integer, AccessState>();
        for (String entry : entries) {
            if (entry.isBlank()) {
                continue; // An empty line of configuration is one empty word.
            }
            int equals = entry.indexOf('=');
            try {
                int group = check(
                        Integer.parseInt(entry.substring(0, Math.max(0, equals)).trim()));
                if (states.put(group, AccessState.of(entry.substring(equals + 1).trim())) != null) {
                    throw new IllegalArgumentException("group " + group + " is there twice");
                }
            } catch (NumberFormatException notANumber) {
                throw new IllegalArgumentException("ana = " + entry + ": must be group=state", notANumber);
            } catch (IllegalArgumentException wrong) {
                throw new IllegalArgumentException("ana = " + entry + ": " + wrong.getMessage(), wrong);
            }
        }
        return new AccessStates(states);
    }

    /** As configuration spells it. */
    public String[] spelled() {
        return states.entrySet().stream()
                .map(each -> each.getKey() + "=" + each.getValue().word())
                .toArray(String[]::new);
    }
}
