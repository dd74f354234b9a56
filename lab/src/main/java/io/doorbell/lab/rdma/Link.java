package io.doorbell.lab.rdma;

import io.doorbell.lab.guest.Guest;
import java.util.ArrayList;
import java.util.List;

/** What lies between host and target, both ends of it. The host is in the kernel's first network namespace, the cases are in the other. */
record Link(Guest guest) {

    /** Runs a program where the host is. */
    byte[] atTheHost(String... command) throws Exception {
        var whole = new ArrayList<>(List.of(guest.busybox(), "nsenter", "--net=/proc/1/ns/net"));
        whole.addAll(List.of(command));
        return guest.run(whole.toArray(String[]::new));
    }

    void mtu(int bytes) throws Exception {
        atTheHost("ip", "link", "set", RdmaLab.HOST_SIDE, "mtu", Integer.toString(bytes));
        guest.run("ip", "link", "set", RdmaLab.TARGET_SIDE, "mtu", Integer.toString(bytes));
    }

    /** Nothing passes any more, and nobody is told. */
    void cut() throws Exception {
        atTheHost(bad(RdmaLab.HOST_SIDE, "loss 100%"));
        guest.run(bad(RdmaLab.TARGET_SIDE, "loss 100%"));
    }

    /** @param faults as {@code tc netem} takes them */
    void spoil(String faults) throws Exception {
        atTheHost(bad(RdmaLab.HOST_SIDE, faults));
        guest.run(bad(RdmaLab.TARGET_SIDE, faults));
    }

    void mend() throws Exception {
        atTheHost(guest.tc(), "qdisc", "delete", "dev", RdmaLab.HOST_SIDE, "root");
        guest.run(guest.tc(), "qdisc", "delete", "dev", RdmaLab.TARGET_SIDE, "root");
    }

    private String[] bad(String device, String faults) {
        return (guest.tc() + " qdisc add dev " + device + " root netem " + faults).split(" ");
    }
}
