package io.doorbell.resources.lease;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What each bundle may hold, per controller. The first rule whose pattern fits a symbolic name counts; a bundle that none
 * fits is guaranteed nothing and may hold all there is.
 */
public final class Policy {
    /** One rule: nothing forbidden, nothing promised. */
    public static final Policy NONE = new Policy(List.of());

    static final int UNLIMITED = 65_535;
    private static final int MAX_PRIORITY = 100;

    /** A node with more rules than bundles is mistaken. */
    private static final int MAX_RULES = 256;

    /**
     * @param pattern a symbolic name; {@code *} stands for any characters
     * @param guaranteed queue pairs of each controller that this bundle gets when it asks, even from others' surplus
     * @param maximum queue pairs of each controller that it may hold at once
     * @param priority who goes first: 0 to 100, more is more
     */
    public record Rule(String pattern, int guaranteed, int maximum, int priority) {
        private static final Rule DEFAULT = new Rule("*", 0, UNLIMITED, 0);

        private Pattern compiled() {
            // Only '*' is special; all else is quoted.
            return Pattern.compile(
                    Arrays.stream(pattern.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*")));
        }

        @Override
        public String toString() {
            return pattern + ": guaranteed=" + guaranteed + " maximum=" + maximum + " priority=" + priority;
        }
    }

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.*-]+");
    private static final String FORM = "symbolic-name: guaranteed=0..65535 maximum=0..65535 priority=0.." + MAX_PRIORITY
            + ", each of the three at most once";

    private final List<Rule> rules;
    private final List<Pattern> patterns;

    private Policy(List<Rule> rules) {
        this.rules = List.copyOf(rules);
        patterns = rules.stream().map(Rule::compiled).toList();
    }

    /**
     * Reads rules as they stand in the configuration: {@code symbolic-name: guaranteed=1 maximum=8 priority=5}.
     *
     * @throws IllegalArgumentException naming the rule, what is wrong with it, and what is allowed
     */
    public static Policy parse(List<String> lines) {
        if (lines.size() > MAX_RULES) {
            throw new IllegalArgumentException(lines.size() + " rules: at most " + MAX_RULES);
        }
        var rules = new ArrayList<Rule>();
        var patterns = new HashSet<String>();
        for (var line : lines) {
            if (line.isBlank()) {
                continue;
            }
            var rule = rule(line.strip());
            if (!patterns.add(rule.pattern)) {
                throw wrong(line, "there is a rule for " + rule.pattern + " already, and only the first would count");
            }
            rules.add(rule);
        }
        return new Policy(rules);
    }

    private static Rule rule(String line) {
        int colon = line.indexOf(':');
        var pattern = colon < 0 ? line : line.substring(0, colon).strip();
        if (colon < 0 || !NAME.matcher(pattern).matches()) {
            throw wrong(
                    line, "it has to begin with a symbolic name, in which * stands for any characters, and a colon");
        }
        int guaranteed = Rule.DEFAULT.guaranteed;
        int maximum = Rule.DEFAULT.maximum;
        int priority = Rule.DEFAULT.priority;
        Set<String> seen = new HashSet<>();
        var rest = line.substring(colon + 1).strip();
        for (var word : rest.isEmpty() ? new String[0] : rest.split("\\s+")) {
            var parts = word.split("=", 2);
            var key = parts[0].toLowerCase(Locale.ROOT);
            if (parts.length < 2 || !seen.add(key)) {
                throw wrong(line, "\"" + word + "\" is not key=value, or there for the second time");
            }
            switch (key) {
                case "guaranteed" -> guaranteed = number(line, word, parts[1], UNLIMITED);
                case "maximum" -> maximum = number(line, word, parts[1], UNLIMITED);
                case "priority" -> priority = number(line, word, parts[1], MAX_PRIORITY);
                default -> throw wrong(line, "unknown key in \"" + word + "\"");
            }
        }
        if (guaranteed > maximum) {
            throw wrong(line, "guaranteed " + guaranteed + " is more than maximum " + maximum);
        }
        return new Rule(pattern, guaranteed, maximum, priority);
    }

    private static int number(String line, String word, String text, int most) {
        try {
            int number = Integer.parseInt(text);
            if (number >= 0 && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Reported below, together with numbers out of range.
        }
        throw wrong(line, "\"" + word + "\" is not a number from 0 to " + most);
    }

    private static IllegalArgumentException wrong(String line, String why) {
        return new IllegalArgumentException("\"" + line + "\": " + why + ". Allowed: " + FORM);
    }

    /** The rule for a bundle. */
    public Rule of(String symbolicName) {
        for (int i = 0; i < patterns.size(); i++) {
            if (patterns.get(i).matcher(symbolicName).matches()) {
                return rules.get(i);
            }
        }
        return Rule.DEFAULT;
    }

    public List<Rule> rules() {
        return rules;
    }

    @Override
    public String toString() {
        return rules.toString();
    }
}
