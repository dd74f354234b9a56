package io.doorbell.bench;

/**
 * One measured figure.
 *
 * @param group what it belongs to
 * @param error half of the confidence interval, or NaN where there is none
 * @param mark what is aimed at, or empty
 */
record Figure(String group, String name, double value, double error, String unit, String mark, boolean missed) {

    static Figure of(String group, String name, double value, String unit) {
        return new Figure(group, name, value, Double.NaN, unit, "", false);
    }

    Figure atMost(double bound) {
        return new Figure(group, name, value, error, unit, "<= " + number(bound), value > bound);
    }

    Figure atLeast(double bound) {
        return new Figure(group, name, value, error, unit, ">= " + number(bound), value < bound);
    }

    static String number(double value) {
        return value >= 100_000 ? String.format("%,.0f", value) : String.format("%.2f", value);
    }
}
