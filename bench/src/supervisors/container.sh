# container.sh ROOT COMMAND...: executes the command in ROOT, as process 1 of namespaces of its own, with what a container has in
# /proc, /sys, /dev, /run and /tmp, and with control groups that it may write to.
set -eu

root=$1
shift
if [ "${inside-}" != yes ]; then
    for directory in $CGROUPS; do
        echo "$$" >"$directory/cgroup.procs"
    done
    exec env inside=yes unshare --mount --pid --cgroup --fork --kill-child sh "$0" "$root" "$@"
fi

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
for directory in dev run tmp; do
    mount -t tmpfs tmpfs "$root/$directory"
done
for device in null zero full random urandom tty; do
    cp -a "/dev/$device" "$root/dev"
done
ln -s /proc/self/fd "$root/dev/fd"
# As they are outside, but seen from the control group of this process: of both versions, or of the second alone.
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
for directory in $CGROUPS; do
    parent=${directory%/*}
    mkdir -p "$root$parent"
    case $parent in
    */systemd) mount -t cgroup -o none,name=systemd cgroup "$root$parent" ;;
    *) mount -t cgroup2 cgroup2 "$root$parent" ;;
    esac
done
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=bench SYSTEMD_UNIT_PATH=/bench/configuration: chroot "$root" "$@"
