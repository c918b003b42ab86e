#!/bin/sh
# What `make check-systemd` does: boots systemd in a container over an overlay of this system, and there runs inside.sh. With an
# argument, only a part of that:
#
#   units [PAIR...]             the units of tests/units, as `make check-same` calls it
#   sequences [SEED [COUNT]]    random sequences of them, as `make check-sequences` does
#   services [NAME...]          Debian's services, as `make check-services` does
#   first-answers               how long the first answer of a service takes, as `make bench` does
#
# SDLITE_UNPACKED names a directory with more, such as unpacked packages, to be laid over it.
# SDLITE_ROOT names another Debian's root directory to be taken instead, for its systemd: with gcc, make and pkg-config in it.
#
# Exits with 0 where everything passed, 77 where it cannot run here, having said why, and another status otherwise.
set -eu

# Who runs this may itself be a service, or keep what it makes to itself.
unset LISTEN_FDS LISTEN_PID NOTIFY_SOCKET
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$here/../..
limit=1200

left_out() {
    echo "Left out: it needs $1"
    echo "tests/systemd needs $1" >>"${SDLITE_LEFT_OUT:-/dev/null}"
    exit 77
}

need() {
    command -v "$1" >/dev/null || left_out "$1, which is not installed (Debian: apt-get install $2)"
}

# Where this process is in the hierarchies in which systemd keeps its units.
cgroups() {
    while IFS=: read -r number controllers path; do
        case $number:$controllers in
        0:) mounts='/sys/fs/cgroup /sys/fs/cgroup/unified' ;;
        *:name=systemd) mounts=/sys/fs/cgroup/systemd ;;
        *) continue ;;
        esac
        for mount in $mounts; do
            [ ! -e "$mount${path%/}/cgroup.procs" ] || echo "$mount${path%/}"
        done
    done </proc/self/cgroup
}

# The namespaces go with their first process, and all their processes and mounts with them. What is left to remove is empty.
clean_up() {
    trap '' HUP INT PIPE TERM
    [ -z "$namespaces" ] || kill -9 "$namespaces" 2>/dev/null || true
    wait
    for cgroup in $made; do
        tries=100
        while [ -d "$cgroup" ] && [ "$tries" -gt 0 ]; do
            find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
            tries=$((tries - 1))
        done
        [ ! -d "$cgroup" ] || echo "$cgroup is still there" >&2
    done
    rmdir "$tmp"
}

outside() {
    [ "$(id -u)" = 0 ] || left_out 'root'
    need systemd-nspawn systemd-container
    need unshare util-linux
    need make make
    need cc gcc
    need pkg-config pkg-config
    unshare --mount --pid --fork true 2>/dev/null || left_out 'the right to make namespaces (in a container: --privileged)'

    namespaces=
    made=
    tmp=$(mktemp -d)
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 141' PIPE
    trap 'exit 143' TERM

    # nspawn leaves the container's cgroups behind; in one made for them they are found again.
    for cgroup in $(cgroups); do
        mkdir "$cgroup/sdlite-check.$$" 2>/dev/null || left_out "the right to make cgroups below $cgroup"
        made="$made $cgroup/sdlite-check.$$"
    done
    [ -n "$made" ] || left_out 'cgroups mounted in /sys/fs/cgroup'

    # In the background, for this shell not to wait with its traps until it has ended.
    (
        for cgroup in $made; do
            sh -c 'echo "$PPID"' >"$cgroup/cgroup.procs"
        done
        exec unshare --mount --pid --fork --kill-child --mount-proc sh "$here/check.sh" boot "$tmp" "$@"
    ) &
    namespaces=$!
    status=0
    wait "$namespaces" || status=$?
    namespaces=
    return "$status"
}

# What the container has written to its console, without colours.
plain() {
    tr -d '\033\r' <"$1" | sed 's/\[[0-9;?!]*[A-Za-z]//g; s/^/    /'
}

boot() {
    tmp=$1
    shift
    mount -t tmpfs tmpfs "$tmp"
    root=$tmp/root
    mkdir "$tmp/upper" "$tmp/work" "$root"
    mount -t overlay -o "lowerdir=${SDLITE_ROOT:-/},upperdir=$tmp/upper,workdir=$tmp/work" overlay "$root" ||
        left_out 'overlayfs over the root file system'
    # Overlayfs takes no directory that is below another of its own.
    [ -z "${SDLITE_UNPACKED-}" ] || cp -a "$SDLITE_UNPACKED/." "$root"
    [ -x "$root/usr/bin/systemctl" ] || left_out 'systemd, with /usr on the root file system'
    [ -x "$root/usr/bin/dbus-daemon" ] || left_out 'dbus, for systemd-logind (Debian: apt-get install dbus)'
    ls "$root"/lib/*/security/pam_systemd.so >/dev/null 2>&1 || left_out 'pam_systemd (Debian: apt-get install libpam-systemd)'
    [ -x "$root/usr/bin/ps" ] || left_out 'ps (Debian: apt-get install procps)'
    # What nspawn keeps there goes with the namespace, too.
    mount -t tmpfs tmpfs /run

    # Disks and the journal are the system's own, not the container's.
    for table in fstab crypttab machine-id; do
        : >"$root/etc/$table"
    done
    mkdir -p "$root/etc/systemd/journald.conf.d"
    cat >"$root/etc/systemd/journald.conf.d/sdlite-check.conf" <<'configuration'
[Journal]
Storage=volatile
RuntimeMaxUse=512M
RuntimeMaxFileSize=256M
configuration

    make -C "$top" --no-print-directory --silent install DESTDIR="$root" PREFIX=/usr/local
    sources=$root/usr/local/src/sdlite-check
    mkdir -p "$sources"
    cp "$top"/c-examples/Makefile "$top"/c-examples/*.c "$top"/c-examples/*.service "$top"/c-examples/*.socket "$sources"
    cp "$here"/inside.sh "$here"/logins.sh "$here"/first_answers.py "$here"/*.c "$sources"
    cp -R "$top/tests/units" "$top/tests/services" "$sources"
    cp "$top/docs/units.md" "$top/crates/sd-activate/src/engine/tests/simulation/units.rs" "$sources/units"
    mkfifo "$sources/output"
    cat >"$root/etc/systemd/system/sdlite-check.service" <<unit
[Unit]
SuccessAction=exit-force
FailureAction=exit-force

[Service]
Type=exec
WorkingDirectory=/usr/local/src/sdlite-check
ExecStart=/bin/sh inside.sh $*
KeyringMode=inherit
StandardOutput=file:/usr/local/src/sdlite-check/output
StandardError=inherit
unit

    # Keyrings are not the container's own, and not allowed otherwise; units with KeyringMode= have some.
    echo 'Booting systemd in a container:'
    cat "$sources/output" &
    output=$!
    # systemd 256 and later boots on that alone; nspawn would make the container like this system.
    ! grep -q '^0:' /proc/self/cgroup || export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
    # To the service alone: what else is enabled in this system has no part in it.
    timeout -s KILL "$limit" systemd-nspawn --quiet --directory="$root" --machine=sdlite-check --boot --register=no --keep-unit --system-call-filter=@keyring \
        --private-network --resolv-conf=off --timezone=off --link-journal=no --console=passive \
        systemd.unit=sdlite-check.service </dev/null >"$tmp/console" 2>&1 &
    container=$!
    while kill -0 "$container" 2>/dev/null && [ ! -e "$sources/started" ]; do
        sleep 1
        [ -e "$sources/started" ] || plain "$tmp/console" | tail -n 1
    done

    status=0
    wait "$container" || status=$?
    if [ "$status" = 137 ]; then
        # The container outlives nspawn, but not this shell, which is the first process of the namespace.
        echo "FAILED: not finished after $limit seconds."
    elif [ -e "$sources/started" ]; then
        wait "$output" || true
    fi
    if [ ! -e "$sources/started" ]; then
        echo 'FAILED: it did not boot so far as to run the checks. Its console:'
        plain "$tmp/console" | tail -n 40
        [ "$status" != 0 ] || status=1
    fi
    exit "$status"
}

case ${1-} in
boot) shift && boot "$@" ;;
*) outside "$@" ;;
esac
