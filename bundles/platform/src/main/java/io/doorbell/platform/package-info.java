/**
 * Linux through Panama: memory, eventfd, CPU affinity. The only place with restricted FFM calls: whoever needs a native
 * symbol or a segment reinterpreted asks here. What a JDK class already does well (files, fsync) is not here.
 *
 * <p>In reading order:
 *
 * <ol>
 *   <li>{@link io.doorbell.platform.NativeAccess}: may this JVM call native code at all, and what to do if not;
 *   <li>{@link io.doorbell.platform.PlatformException}: a call that Linux refused, by name, errno and remedy;
 *   <li>{@link io.doorbell.platform.NativeMemory}: page-aligned private memory, from huge pages where there are any;
 *   <li>{@link io.doorbell.platform.SharedMemory}: the same behind a file descriptor, for another process;
 *   <li>{@link io.doorbell.platform.MemoryView}: the same bytes with another lifetime: the fence of a lease;
 *   <li>{@link io.doorbell.platform.SparseFile}: holes in a file, and a lock on it;
 *   <li>{@link io.doorbell.platform.PrivateFile}: a secret that only the owner of its file can read;
 *   <li>{@link io.doorbell.platform.DeviceFile}: a device node: ioctl, registers, and {@link io.doorbell.platform.DeviceMemory}, what of it is mapped;
 *   <li>{@link io.doorbell.platform.UeventSocket}: the kernel's news of devices that come and go;
 *   <li>{@link io.doorbell.platform.EventFd}: how a sleeping poller is woken;
 *   <li>{@link io.doorbell.platform.TcpSocket}, {@link io.doorbell.platform.SocketVector}, {@link io.doorbell.platform.Epoll}: many
 *       connections on one thread, without copies and without garbage;
 *   <li>{@link io.doorbell.platform.UdpSocket}, {@link io.doorbell.platform.DatagramBatch}: many datagrams in one call;
 *   <li>{@link io.doorbell.platform.CpuAffinity}: which CPU a thread runs on;
 *   <li>{@link io.doorbell.platform.ServiceManager}: systemd, where it started this process;
 *   <li>{@link io.doorbell.platform.Machine}: what this machine has; {@link io.doorbell.platform.PortHolder}: who has a port of it.
 * </ol>
 *
 * <p>Linux on x86-64 only. Anywhere else the first use says so.
 */
@Export
@Version("1.0.0")
@Requirement(namespace = "osgi.native", filter = "(&(osgi.native.osname~=linux)(osgi.native.processor~=x86-64))")
package io.doorbell.platform;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.bundle.Requirement;
import org.osgi.annotation.versioning.Version;
