package io.doorbell.pci;

/**
 * A PCI function that was found and that a driver may claim (a service; it comes and goes with its provider). Any thread.
 */
public interface PciFunction {

    /** Name on its bus: {@code 0000:01:00.0}, or the name of an emulated device. The {@code traddr} of a transport id. */
    String address();

    /** The {@code trtype} of a transport id: {@code PCIE}, {@code EMULATED}, {@code VFIOUSER}. */
    String transport();

    PciIdentity identity();

    /**
     * Claims the function for one driver. The claim ends with {@link PciAccess#close()}.
     *
     * @param driver who claims, for messages
     * @throws PciException when it is claimed already (the message names the holder), gone, or cannot be opened (with the remedy)
     */
    PciAccess open(String driver);
}
