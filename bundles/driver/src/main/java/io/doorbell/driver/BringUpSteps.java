package io.doorbell.driver;

import io.doorbell.nvme.NvmeException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The steps of a bring-up by name, for what is said when one of them fails. */
public final class BringUpSteps {
    private static final Logger LOG = LoggerFactory.getLogger(BringUpSteps.class);

    private final String name;
    private final Supplier<String> described;

    /** @param described what the controller says of itself when a step fails */
    public BringUpSteps(String name, Supplier<String> described) {
        this.name = name;
        this.described = described;
    }

    public void perform(String what, Runnable action) {
        step(what, () -> {
            action.run();
            return null;
        });
    }

    /** @throws NvmeException naming the step */
    public <T> T step(String what, Supplier<T> action) {
        try {
            return action.get();
        } catch (NvmeException e) {
            throw new NvmeException(
                    e.kind(), name + ", bring-up, " + what, e.getMessage() + " (" + described.get() + ")", e);
        }
    }

    /** A step the controller may refuse; null then. If it does not answer at all, that is no refusal. */
    public <T> T optional(String what, Supplier<T> action) {
        return step(what, () -> {
            try {
                return action.get();
            } catch (NvmeException e) {
                if (e.status().isEmpty()) {
                    throw e;
                }
                LOG.warn("{}, bring-up goes on without {}: {}", name, what, e.getMessage());
                return null;
            }
        });
    }

    public NvmeException unusable(String why) {
        return new NvmeException(NvmeException.Kind.GIVE_UP, name, "cannot be driven: " + why);
    }
}
