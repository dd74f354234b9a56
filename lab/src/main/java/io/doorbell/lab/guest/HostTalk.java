package io.doorbell.lab.guest;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.lab.Word;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** The guest's side of the talk with the host. Any thread; when the host has gone, so does this JVM, and with it the guest. */
final class HostTalk {
    private static final int HOST_GONE = 3;

    private final OutputStream out;
    private final BlockingQueue<Word> heard = new LinkedBlockingQueue<>();

    /** @param port the guest's end of the serial port, which can be opened once */
    HostTalk(String port) throws IOException {
        var both = new RandomAccessFile(port, "rw");
        out = new FileOutputStream(both.getFD());
        var in = new BufferedReader(new InputStreamReader(new FileInputStream(both.getFD()), StandardCharsets.UTF_8));
        Thread.ofPlatform().daemon().name("lab-host").start(() -> listen(in));
    }

    private void listen(BufferedReader in) {
        try {
            for (var line = in.readLine(); line != null; line = in.readLine()) {
                heard.add(Word.parse(line));
            }
        } catch (IOException | IllegalArgumentException e) {
            System.err.println("lab: the host is not understood: " + e);
        }
        Runtime.getRuntime().halt(HOST_GONE);
    }

    synchronized void say(Word word) {
        try {
            out.write((word + "\n").getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException gone) {
            Runtime.getRuntime().halt(HOST_GONE);
        }
    }

    /** The names of the cases to run. */
    String[] greet() throws InterruptedException {
        say(Word.of(Word.Kind.HELLO));
        return heard.take().rest().split(" ");
    }

    /** One question at a time. */
    synchronized String ask(String command, Map<String, Object> arguments) throws IOException {
        say(Word.of(Word.Kind.ASK, command, JSON.std.asString(arguments)));
        try {
            var answer = heard.take();
            if (answer.kind() != Word.Kind.ANSWER) {
                throw new IllegalStateException(answer.rest());
            }
            return answer.rest();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the host was asked for " + command, e);
        }
    }
}
