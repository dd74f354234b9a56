package io.doorbell.emulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What an emulated device does wrong, as data: rules, of which the first that matches a command applies. Immutable, any thread.
 *
 * <p>A rule is a line {@code match -> action}. A match is words with blanks between, all of which have to hold; none
 * matches every command:
 *
 * <table>
 * <caption>Matches</caption>
 * <tr><td>{@code admin}, {@code io}</td><td>the kind of queue</td></tr>
 * <tr><td>{@code qid=3}</td><td>the submission queue</td></tr>
 * <tr><td>{@code opc=0x02}, {@code opc=read}</td><td>the opcode; by name: flush, write, read, compare, identify</td></tr>
 * <tr><td>{@code nsid=1}</td><td>the namespace</td></tr>
 * <tr><td>{@code slba=100..199}</td><td>the starting LBA, as dwords 10 and 11 have it</td></tr>
 * <tr><td>{@code after=5}</td><td>not the first 5 that the words so far match</td></tr>
 * <tr><td>{@code every=10}</td><td>of those, the first and then each tenth</td></tr>
 * <tr><td>{@code chance=0.01}</td><td>of those, one in a hundred, by the seed</td></tr>
 * <tr><td>{@code count=3}</td><td>3 times at most</td></tr>
 * </table>
 *
 * <p>An action is words with blanks between:
 *
 * <table>
 * <caption>Actions</caption>
 * <tr><td>{@code delay=5ms}, {@code delay=100us..2ms}</td><td>begins with it later (ns, us, ms, s); by the seed where it is a range</td></tr>
 * <tr><td>{@code status=0x281}</td><td>ends it with this status (SCT in bits 10:8, SC in 7:0, DNR is 0x4000), not executed</td></tr>
 * <tr><td>{@code drop}</td><td>executes it and never completes it</td></tr>
 * <tr><td>{@code duplicate}</td><td>completes it twice</td></tr>
 * <tr><td>{@code cid=0xffff}, {@code cid=+1}, {@code cid=^0x8000}</td><td>completes it with this command id, with its own plus, or xor</td></tr>
 * <tr><td>{@code fatal}</td><td>sets CSTS.CFS instead</td></tr>
 * <tr><td>{@code remove}</td><td>removes the function instead: registers read all ones</td></tr>
 * </table>
 *
 * <p>For example {@code io opc=read every=1000 -> delay=20ms} or {@code after=50000 count=1 -> remove}.
 */
public final class FaultPlan {
    /** The most rules of a plan: each command is held against all of them. */
    public static final int MAX_RULES = 64;

    /** Nothing goes wrong. */
    public static final FaultPlan NONE = new FaultPlan(List.of(), 0);

    private final List<FaultRule> rules;
    private final long seed;

    private FaultPlan(List<FaultRule> rules, long seed) {
        this.rules = rules;
        this.seed = seed;
    }

    /**
     * Reads rules. Empty lines and those that begin with # are skipped.
     *
     * @param seed what chance and ranges of delays are drawn from
     * @throws IllegalArgumentException for a line that is no rule: which, what of it, what is allowed
     */
    public static FaultPlan parse(long seed, List<String> lines) {
        var rules = new ArrayList<FaultRule>();
        for (var line : lines) {
            if (!line.isBlank() && !line.strip().startsWith("#")) {
                rules.add(FaultRule.parse(line.strip()));
            }
        }
        if (rules.size() > MAX_RULES) {
            throw new IllegalArgumentException(rules.size() + " fault rules: " + MAX_RULES + " at most");
        }
        return new FaultPlan(List.copyOf(rules), seed);
    }

    /** As {@link #parse(long, List)}; chance is drawn from the clock's seed, which {@link #toString} tells. */
    public static FaultPlan parse(String... lines) {
        return parse(System.nanoTime(), Arrays.asList(lines));
    }

    public boolean isEmpty() {
        return rules.isEmpty();
    }

    List<FaultRule> rules() {
        return rules;
    }

    long seed() {
        return seed;
    }

    @Override
    public String toString() {
        return rules.isEmpty()
                ? "no faults"
                : rules.stream().map(FaultRule::text).collect(Collectors.joining("; ")) + "; seed " + seed;
    }
}
