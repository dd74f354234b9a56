package io.doorbell.lab.host;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.lab.Case;
import io.doorbell.lab.Word;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.SocketException;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The host's side of the talk with a guest: which cases it runs, what it asks of the monitor, and what came of them. */
final class GuestTalk {
    private final Monitor monitor;
    private final Report report;
    private final BufferedReader in;
    private final OutputStream out;
    private final Set<String> left = new LinkedHashSet<>();
    private String running;
    private boolean greeted;

    /** Executes what the guest asks for. */
    @FunctionalInterface
    interface Monitor {
        /** @throws LabException when it refuses */
        Object execute(String command, Map<String, Object> arguments) throws IOException;
    }

    GuestTalk(SocketChannel port, Monitor monitor, Report report) {
        this.monitor = monitor;
        this.report = report;
        in = new BufferedReader(new InputStreamReader(Channels.newInputStream(port), StandardCharsets.UTF_8));
        out = Channels.newOutputStream(port);
    }

    /**
     * Until the guest is done, or says no more; cases that it did not get to have failed then.
     *
     * @throws NotBooted when it never said a word
     */
    void run(List<Case> cases) throws IOException {
        cases.forEach(one -> left.add(one.name()));
        try {
            var line = in.readLine();
            while (line != null && goesOn(Word.parse(line))) {
                line = in.readLine();
            }
        } catch (ClosedChannelException | SocketException closed) {
            // By whoever watches the time, or by the end of QEMU: as if the guest had fallen silent.
        } catch (IllegalArgumentException strange) {
            throw new LabException("the guest said what nobody says: " + strange.getMessage(), strange);
        }
        if (!greeted) {
            throw new NotBooted();
        }
        for (var name : left) {
            report.failed(name, 0, name.equals(running) ? "the guest ended in it" : "the guest ended before it");
        }
    }

    private boolean goesOn(Word word) throws IOException {
        switch (word.kind()) {
            case HELLO -> {
                greeted = true;
                say(Word.of(Word.Kind.RUN, left.toArray()));
            }
            case CASE -> running = word.rest();
            case ASK -> say(answer(word));
            case PASSED, FAILED -> ended(word);
            case DONE -> {
                return false;
            }
            default -> throw new LabException("the guest said what only the host says: " + word);
        }
        return true;
    }

    /** The guest never said a word. */
    static final class NotBooted extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NotBooted() {
            super("the guest did not come up");
        }
    }

    private void ended(Word word) {
        var parts = word.parts(3);
        long millis = Long.parseLong(parts[1]);
        left.remove(parts[0]);
        running = null;
        if (word.kind() == Word.Kind.PASSED) {
            report.passed(parts[0], millis, parts[2]);
        } else {
            report.failed(parts[0], millis, parts[2]);
        }
    }

    private Word answer(Word question) throws IOException {
        var parts = question.parts(2);
        try {
            Map<String, Object> arguments = parts[1].isEmpty() ? Map.of() : JSON.std.mapFrom(parts[1]);
            return Word.of(Word.Kind.ANSWER, JSON.std.asString(monitor.execute(parts[0], arguments)));
        } catch (LabException refused) {
            return Word.of(Word.Kind.REFUSED, refused.getMessage());
        }
    }

    private void say(Word word) throws IOException {
        out.write((word + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
