package io.doorbell.pcie;

import java.util.ArrayList;
import java.util.List;

/** Memory that cannot be closed while somebody has views of it. Guarded by whoever has it. */
public final class Lingering {
    private final List<Runnable> closings = new ArrayList<>();

    /** @param close throws {@link IllegalStateException} while views are open; tried now, and whenever all of them are */
    public void add(Runnable close) {
        closings.add(close);
        closeAll();
    }

    public void closeAll() {
        closings.removeIf(close -> {
            try {
                close.run();
                return true;
            } catch (IllegalStateException viewsAreOpen) {
                return false;
            }
        });
    }
}
