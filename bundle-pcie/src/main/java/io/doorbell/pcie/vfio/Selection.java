package io.doorbell.pcie.vfio;

import io.doorbell.pcibus.PciBus;
import io.doorbell.pcibus.PciDevice;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which functions are wanted.
 *
 * @param everyNvme each NVMe controller that is bound to vfio-pci
 * @param addresses beside them
 */
public record Selection(boolean everyNvme, Collection<String> addresses) {
    /** The word for {@link #everyNvme}. */
    public static final String BY_CLASS = "class";

    public Selection {
        addresses = Set.copyOf(addresses);
    }

    /**
     * Reads words: {@code class}, or addresses.
     *
     * @throws IllegalArgumentException for a word that is neither
     */
    public static Selection parse(Collection<String> words) {
        var addresses = new TreeSet<String>();
        boolean everyNvme = false;
        for (var word : words) {
            if (word.strip().equals(BY_CLASS)) {
                everyNvme = true;
            } else if (!word.isBlank()) {
                addresses.add(PciBus.canonicalAddress(word));
            }
        }
        return new Selection(everyNvme, addresses);
    }

    public boolean isEmpty() {
        return !everyNvme && addresses.isEmpty();
    }

    boolean wants(PciDevice device) {
        return addresses.contains(device.address()) || everyNvme && device.isNvme() && device.isBoundToVfio();
    }
}
