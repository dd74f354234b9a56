package io.doorbell.lab.pcie;

import io.doorbell.host.QueuePair;
import io.doorbell.lab.guest.Lane;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.pcie.vfio.VfioFunctions;

/** A program that writes to a function as fast as it can until it is killed. Says {@link #BUSY} when it has begun. */
final class Victim {
    static final String BUSY = "busy";

    private static final int DEPTH = 32;
    private static final int FIRST_COMMANDS = 500;
    private static final int BLOCKS = 8;

    private Victim() {}

    /** @param args the function's address */
    public static void main(String[] args) {
        var controller = PcieController.open(VfioFunctions.ofThisMachine().find(args[0]), PcieOptions.DEFAULTS);
        var lane = new Lane(controller, DEPTH + 1);
        boolean told = false;
        while (true) {
            int staged = lane.queuePair().write(1, 0, BLOCKS, lane.memory(), 0, 0, 0);
            if (staged == QueuePair.QUEUE_FULL) {
                lane.queuePair().commit();
                lane.queuePair().poll(DEPTH);
            }
            if (!told && lane.ended() > FIRST_COMMANDS) {
                told = true;
                System.out.println(BUSY);
            }
        }
    }
}
