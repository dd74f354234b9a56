package io.doorbell.vfiouser;

import java.nio.file.Path;

/** The directory that names a device: its socket is there. */
public final class DeviceDirectory {
    /** As SPDK's target has it. */
    public static final String SOCKET = "cntrl";

    private DeviceDirectory() {}

    /**
     * As a configuration names it under {@code path}; an empty path where it names none.
     *
     * @throws IllegalArgumentException when it is not absolute
     */
    public static Path parse(String path) {
        var directory = Path.of(path.strip()).normalize();
        if (!directory.toString().isEmpty() && !directory.isAbsolute()) {
            throw new IllegalArgumentException("path \"" + path + "\" is not absolute, as in /run/doorbell/nvme0");
        }
        return directory;
    }
}
