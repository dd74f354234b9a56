/**
 * The controller side of NVMe, without a transport. In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.subsystem.NvmSubsystem}: namespaces, controllers, and which has which attached;
 *   <li>{@code NvmController}: CAP, CC, CSTS, and what outlives a command;
 *   <li>{@code AdminPath}: admin commands, with {@code Features}, {@code IdentifyPages}, {@code LogPages}, {@code AsyncEvents};
 *   <li>{@code ConfiguredSubsystem}: how configuration and backends become a subsystem;
 *   <li>{@code IoPath}: I/O commands of one controller on one reactor. The only hot path here.
 * </ol>
 *
 * <p>Default document: NVM Express Base Specification 2.1. Controllers report version 2.0.
 */
package io.doorbell.subsystem;
