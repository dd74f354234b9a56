package io.doorbell.emulator;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** One line of a {@link FaultPlan}: which commands, and what becomes of them. {@link #ANY} where a word is missing. */
record FaultRule(String text, Match match, Action action) {
    static final int ANY = -1;

    private static final Map<String, Integer> OPCODES = Map.of(
            "flush", NvmOpcode.FLUSH,
            "write", NvmOpcode.WRITE,
            "read", NvmOpcode.READ,
            "compare", NvmOpcode.COMPARE,
            "identify", AdminOpcode.IDENTIFY);
    private static final String FORM = "the form is 'match -> action'";
    private static final String MATCHES = "admin, io, qid, opc, nsid, slba, after, every, chance, count";
    private static final String ACTIONS = "delay, status, drop, duplicate, cid, fatal, remove";

    enum Kind {
        ANY,
        ADMIN,
        IO
    }

    record Match(
            Kind kind,
            int qid,
            int opc,
            long nsid,
            long leastSlba,
            long mostSlba,
            long after,
            long every,
            double chance,
            long count) {}

    enum CidChange {
        NONE,
        SET,
        ADD,
        XOR
    }

    record Action(
            long leastDelayNanos,
            long mostDelayNanos,
            int status,
            boolean drop,
            boolean duplicate,
            CidChange cidChange,
            int cid,
            boolean fatal,
            boolean remove) {

        int changedCid(int own) {
            return switch (cidChange) {
                        case NONE -> own;
                        case SET -> cid;
                        case ADD -> own + cid;
                        case XOR -> own ^ cid;
                    }
                    & 0xFFFF;
        }
    }

    static FaultRule parse(String line) {
        int arrow = line.indexOf("->");
        if (arrow < 0) {
            throw wrong(line, FORM);
        }
        var match = match(new Words(line, line.substring(0, arrow), MATCHES));
        var action = action(new Words(line, line.substring(arrow + 2), ACTIONS));
        return new FaultRule(line, match, action);
    }

    private static Match match(Words words) {
        boolean admin = words.flag("admin");
        boolean io = words.flag("io");
        if (admin && io) {
            throw wrong(words.line, "admin or io, not both; neither is both");
        }
        long[] slba = words.range("slba", Long.MAX_VALUE);
        var opcode = words.value("opc");
        var match = new Match(
                admin ? Kind.ADMIN : io ? Kind.IO : Kind.ANY,
                (int) words.number("qid", ANY, 0, 0xFFFF),
                opcode == null ? ANY : opcode(words.line, opcode),
                words.number("nsid", ANY, 0, 0xFFFF_FFFFL),
                slba == null ? ANY : slba[0],
                slba == null ? ANY : slba[1],
                words.number("after", 0, 0, Long.MAX_VALUE),
                words.number("every", 1, 1, Long.MAX_VALUE),
                words.chance(),
                words.number("count", Long.MAX_VALUE, 0, Long.MAX_VALUE));
        words.end();
        return match;
    }

    private static Action action(Words words) {
        var delay = words.value("delay");
        long least = 0;
        long most = 0;
        if (delay != null) {
            int dots = delay.indexOf("..");
            least = nanos(words.line, dots < 0 ? delay : delay.substring(0, dots));
            most = dots < 0 ? least : nanos(words.line, delay.substring(dots + 2));
            if (most < least) {
                throw wrong(words.line, "delay " + delay + ": the shorter one first");
            }
        }
        var cid = words.value("cid");
        var change = cid == null
                ? CidChange.NONE
                : cid.startsWith("+") ? CidChange.ADD : cid.startsWith("^") ? CidChange.XOR : CidChange.SET;
        int cidValue = cid == null
                ? 0
                : (int) number(words.line, "cid", change == CidChange.SET ? cid : cid.substring(1), 0, 0xFFFF);
        var action = new Action(
                least,
                most,
                (int) words.number("status", ANY, 0, 0x7FFF),
                words.flag("drop"),
                words.flag("duplicate"),
                change,
                cidValue,
                words.flag("fatal"),
                words.flag("remove"));
        if (words.count == 0) {
            throw wrong(words.line, "no action; there are " + ACTIONS);
        }
        words.end();
        return action;
    }

    private static int opcode(String line, String text) {
        var named = OPCODES.get(text);
        return named != null ? named : (int) number(line, "opc", text, 0, 0xFF);
    }

    private static long nanos(String line, String text) {
        String[] units = {"ns", "us", "ms", "s"};
        long[] factors = {1, 1_000, 1_000_000, 1_000_000_000};
        for (int i = 0; i < units.length; i++) {
            if (text.endsWith(units[i])) {
                var digits = text.substring(0, text.length() - units[i].length());
                return number(line, "delay", digits, 0, 3600L * 1_000_000_000 / factors[i]) * factors[i];
            }
        }
        throw wrong(line, "delay " + text + ": a number and ns, us, ms or s");
    }

    private static long number(String line, String word, String text, long least, long most) {
        long value;
        try {
            value = Long.decode(text);
        } catch (NumberFormatException e) {
            throw wrong(line, word + " '" + text + "' is no number");
        }
        if (value < least || value > most) {
            throw wrong(line, word + " " + text + ": " + least + " to " + most);
        }
        return value;
    }

    private static IllegalArgumentException wrong(String line, String what) {
        return new IllegalArgumentException("fault '" + line + "': " + what);
    }

    /** Words of one side of a line, taken away one by one. */
    private static final class Words {
        final String line;
        final int count;
        private final String allowed;
        private final Map<String, String> left = new HashMap<>();

        Words(String line, String side, String allowed) {
            this.line = line;
            this.allowed = allowed;
            var words = side.isBlank()
                    ? new String[0]
                    : side.strip().toLowerCase(Locale.ROOT).split("[\\s,]+");
            count = words.length;
            for (var word : words) {
                int equals = word.indexOf('=');
                var name = equals < 0 ? word : word.substring(0, equals);
                if (left.put(name, equals < 0 ? "" : word.substring(equals + 1)) != null) {
                    throw wrong(line, name + " twice");
                }
            }
        }

        boolean flag(String name) {
            var value = left.remove(name);
            if (value != null && !value.isEmpty()) {
                throw wrong(line, name + " takes no value");
            }
            return value != null;
        }

        String value(String name) {
            var value = left.remove(name);
            if (value != null && value.isEmpty()) {
                throw wrong(line, name + " without a value");
            }
            return value;
        }

        long number(String name, long missing, long least, long most) {
            var value = value(name);
            return value == null ? missing : FaultRule.number(line, name, value, least, most);
        }

        long[] range(String name, long most) {
            var value = value(name);
            if (value == null) {
                return null;
            }
            int dots = value.indexOf("..");
            long first = FaultRule.number(line, name, dots < 0 ? value : value.substring(0, dots), 0, most);
            long last = dots < 0 ? first : FaultRule.number(line, name, value.substring(dots + 2), first, most);
            return new long[] {first, last};
        }

        double chance() {
            var value = value("chance");
            try {
                double chance = value == null ? 1 : Double.parseDouble(value);
                if (chance > 0 && chance <= 1) {
                    return chance;
                }
            } catch (NumberFormatException e) {
                // The message below fits too.
            }
            throw wrong(line, "chance " + value + ": above 0, up to 1");
        }

        void end() {
            if (!left.isEmpty()) {
                throw wrong(line, "there is no " + String.join(", ", left.keySet()) + " there, but " + allowed);
            }
        }
    }
}
