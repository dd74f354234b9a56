#!/bin/busybox sh
# The guest's first process. The kernel's command line names the script that goes on (lab.start=), on the host's file system.
b=/bin/busybox
say() { echo "lab: $*" >/dev/console; }
off() {
    say "$*"
    $b sync
    echo o >/proc/sysrq-trigger
    # The power goes a moment later; when this process ended before that, the kernel would panic.
    while :; do $b sleep 1; done
}

$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in /modules/*; do
    $b insmod "$module" || off "module $module was not loaded"
done
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=524288 host /host || off "no file system of the host"
$b mount -t tmpfs own /own
$b mkdir /own/upper /own/work
$b mount -t overlay -o lowerdir=/host,upperdir=/own/upper,workdir=/own/work overlay /root || off "no overlay"
for folder in proc sys dev; do
    $b mkdir -p "/root/$folder"
    $b mount -o bind "/$folder" "/root/$folder"
done
$b mkdir -p /root/dev/shm
$b mount -t tmpfs shm /root/dev/shm
$b ip link set lo up

start=$($b sed -n 's/.*lab\.start=\([^ ]*\).*/\1/p' /proc/cmdline)
bound=$($b sed -n 's/.*lab\.seconds=\([^ ]*\).*/\1/p' /proc/cmdline)
# Whatever happens to the host's side, the guest ends.
( $b sleep "${bound:-600}"; off "the guest's time is over" ) &
$b chroot /root /bin/sh "$start" </dev/null >/dev/console 2>&1
off "$start ended with $?"
