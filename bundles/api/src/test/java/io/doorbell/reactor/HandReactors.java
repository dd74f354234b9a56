package io.doorbell.reactor;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/** Hands out {@link HandReactor}s. */
public final class HandReactors implements Reactors {
    private final List<HandReactor> opened = new CopyOnWriteArrayList<>();
    private final Function<String, HandReactor> how;

    private HandReactors(Function<String, HandReactor> how) {
        this.how = how;
    }

    /** With threads of their own. */
    public static HandReactors running() {
        return new HandReactors(HandReactor::running);
    }

    /** Of the thread that opens them. */
    public static HandReactors byHand() {
        return new HandReactors(HandReactor::byHand);
    }

    @Override
    public Reactor open(String name, Role role, int cpu) {
        var reactor = how.apply(name);
        opened.add(reactor);
        return reactor;
    }

    /** A cycle of each. Returns work done. */
    public int cycle() {
        int work = 0;
        for (var reactor : opened) {
            work += reactor.cycle();
        }
        return work;
    }

    /** All that were opened, closed ones too. */
    public List<HandReactor> opened() {
        return opened;
    }

    @Override
    public List<Reactor> reactors() {
        return List.copyOf(opened);
    }
}
