package io.doorbell.lab.guest;

import io.doorbell.lab.Case;
import io.doorbell.lab.Labs;
import io.doorbell.lab.Word;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/** The only program of the guest: runs the cases that the host names, one after the other, and says what came of each. */
public final class GuestMain {
    private final HostTalk host;
    private final Guest guest;

    private GuestMain(HostTalk host) {
        this.host = host;
        guest = new Guest(host);
    }

    /** @param args the name of the lab, and the serial port to the host */
    public static void main(String[] args) throws IOException, InterruptedException {
        var host = new HostTalk(args[1]);
        var main = new GuestMain(host);
        var chosen = new HashSet<>(List.of(host.greet()));
        for (var one : Labs.named(args[0]).cases()) {
            if (chosen.contains(one.name())) {
                main.run(one);
            }
        }
        host.say(Word.of(Word.Kind.DONE));
        // A case that hung has threads left.
        Runtime.getRuntime().halt(0);
    }

    private void run(Case one) throws InterruptedException {
        System.out.println("lab: " + one.name());
        host.say(Word.of(Word.Kind.CASE, one.name()));
        long startNanos = System.nanoTime();
        var failure = new AtomicReference<Throwable>();
        var thread = Thread.ofPlatform().name(one.name()).daemon().start(() -> {
            try {
                one.body().run(guest);
            } catch (Throwable whatever) {
                failure.set(whatever);
            }
        });
        if (!thread.join(one.bound().plusSeconds(guest.seconds(0)))) {
            failure.set(new IllegalStateException("not over after "
                    + one.bound().toSeconds() + " s; its thread was " + List.of(thread.getStackTrace())));
            // For what it holds; the next case goes on in any case.
            thread.interrupt();
        }
        long millis = (System.nanoTime() - startNanos) / 1_000_000;
        var failed = failure.get();
        var note = guest.takeNote();
        if (failed == null) {
            host.say(Word.of(Word.Kind.PASSED, one.name(), millis, note));
        } else {
            failed.printStackTrace();
            host.say(Word.of(Word.Kind.FAILED, one.name(), millis, why(failed)));
        }
    }

    private static String why(Throwable failed) {
        var message = failed.getMessage();
        return message == null ? failed.toString() : message;
    }
}
