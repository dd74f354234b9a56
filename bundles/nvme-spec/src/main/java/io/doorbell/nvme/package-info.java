/**
 * NVMe as data: what host and controller write into each other's memory, with no I/O, no thread and no service behind
 * it. Driver, targets, emulator and tests share it. Default document: NVM Express Base Specification 2.1, with NVM Command
 * Set 1.1 and NVMe over PCIe Transport 1.1.
 *
 * <p>In reading order:
 *
 * <ol>
 *   <li>A command goes out: {@link io.doorbell.nvme.SubmissionEntry}, 64 bytes in a ring, with a code of
 *       {@link io.doorbell.nvme.NvmOpcode} or {@link io.doorbell.nvme.AdminOpcode}. Its data is where PRPs
 *       ({@link io.doorbell.nvme.PrpMath}) or SGLs ({@link io.doorbell.nvme.SglDescriptor}) say.
 *   <li>It is announced: {@link io.doorbell.nvme.Doorbell}, and {@link io.doorbell.nvme.EventIndex} where the doorbell has a
 *       shadow.
 *   <li>The answer comes back: {@link io.doorbell.nvme.CompletionEntry}, 16 bytes, with a
 *       {@link io.doorbell.nvme.Status}. On the control path a bad one becomes an {@link io.doorbell.nvme.NvmeException}.
 *   <li>How the controller got there: {@link io.doorbell.nvme.TransportId} names it,
 *       {@link io.doorbell.nvme.Registers} lays out its properties, {@link io.doorbell.nvme.ControllerCapabilities},
 *       {@link io.doorbell.nvme.ControllerConfiguration}, {@link io.doorbell.nvme.ControllerStatus} and
 *       {@link io.doorbell.nvme.Version} decode them.
 *   <li>What it says of itself: {@link io.doorbell.nvme.IdentifyCns} asks, {@link io.doorbell.nvme.IdentifyController},
 *       {@link io.doorbell.nvme.IdentifyNamespace}, {@link io.doorbell.nvme.NamespaceIdentifiers},
 *       {@link io.doorbell.nvme.NamespaceList} and {@link io.doorbell.nvme.ControllerList} answer. Their fields are constants of
 *       {@link io.doorbell.nvme.Field}.
 *   <li>What it tells later: {@link io.doorbell.nvme.AsyncEvent}, and the log pages of
 *       {@link io.doorbell.nvme.LogPageId}: {@link io.doorbell.nvme.ErrorLogEntry}, {@link io.doorbell.nvme.SmartLog},
 *       {@link io.doorbell.nvme.FirmwareSlotLog}, {@link io.doorbell.nvme.ChangedNamespaceList},
 *       {@link io.doorbell.nvme.CommandsSupportedAndEffects}, {@link io.doorbell.nvme.DeviceSelfTestLog},
 *       {@link io.doorbell.nvme.SanitizeStatusLog}.
 *   <li>What it can be told: {@link io.doorbell.nvme.FeatureId}, {@link io.doorbell.nvme.DatasetManagementRange},
 *       {@link io.doorbell.nvme.FormatSettings}, {@link io.doorbell.nvme.SanitizeSettings},
 *       {@link io.doorbell.nvme.FirmwareCommitAction}.
 *   <li>What stands beside the data: {@link io.doorbell.nvme.ProtectionInformation}, where a namespace has it
 *       ({@link io.doorbell.nvme.ProtectionFormat}).
 *   <li>How it travels when controller and host are apart: {@link io.doorbell.nvme.FabricsCommand} with
 *       {@link io.doorbell.nvme.ConnectData} and {@link io.doorbell.nvme.FabricsStatus}, {@link io.doorbell.nvme.DiscoveryLog}, and
 *       {@link io.doorbell.nvme.TcpPdu} for the capsules on a TCP connection.
 *   <li>Who may write: {@link io.doorbell.nvme.Reservation}, {@link io.doorbell.nvme.ReservationReport},
 *       {@link io.doorbell.nvme.ReservationNotificationLog}.
 *   <li>Where it can be written: {@link io.doorbell.nvme.Zone}, {@link io.doorbell.nvme.ZoneReport},
 *       {@link io.doorbell.nvme.IdentifyZoned}.
 * </ol>
 *
 * <p>Two forms of access. Queue entries and doorbells are on the I/O path: aligned layouts, exact var handles, static
 * methods, codes as {@code int}. Everything else works on any segment and any offset and checks what it is given. Nothing
 * here has state, so all of it may be used by any thread; ordering between two sides is only where a method says acquire or
 * release.
 */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("1.0.0")
package io.doorbell.nvme;
