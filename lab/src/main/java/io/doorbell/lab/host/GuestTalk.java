package io.doorbell.lab.host;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.lab.Case;
import io.doorbell.lab.Word;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The host's side of the talk with a guest: which cases it runs, what it asks of the monitor, and what came of them. */
final class GuestTalk {
    private final Monitor monitor;
    private final Report report;
    private final BufferedReader in;
    private final OutputStream out;

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

    /** Until the guest is done, or says no more; cases that it did not get to have failed then. */
    void run(List<Case> cases) throws IOException {
        var left = new LinkedHashMap<String, Case>();
        cases.forEach(one -> left.put(one.name(), one));
        String running = null;
        try {
            for (var line = in.readLine(); line != null; line = in.readLine()) {
                var word = Word.parse(line);
                switch (word.kind()) {
                    case HELLO -> say(Word.of(Word.Kind.RUN, left.keySet().toArray()));
                    case CASE -> running = word.rest();
                    case ASK -> say(answer(word));
                    case PASSED, FAILED -> {
                        left.remove(word.parts(3)[0]);
                        running = null;
                        ended(word);
                    }
                    case DONE -> {
                        return;
                    }
                    default -> throw new LabException("the guest said what only the host says: " + line);
                }
            }
        } catch (ClosedChannelException closed) {
            // By whoever watches the time: as if the guest had fallen silent.
        } catch (IllegalArgumentException strange) {
            throw new LabException("the guest said what nobody says: " + strange.getMessage(), strange);
        } finally {
            for (var name : new ArrayList<>(left.keySet())) {
                report.failed(name, 0, name.equals(running) ? "the guest ended in it" : "the guest ended before it");
            }
        }
    }

    private void ended(Word word) {
        var parts = word.parts(3);
        long millis = Long.parseLong(parts[1]);
        if (word.kind() == Word.Kind.PASSED) {
            report.passed(parts[0], millis);
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
