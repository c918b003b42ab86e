#!/bin/sh
# What `make check-elsewhere` does: that `make check` depends on nothing of whoever runs it. It is run by a user of whom the system
# knows nothing but a number, in a copy of the source tree, where there is no network and no IPv6, and with variables, a mask
# for new files and a directory for temporary ones that would mislead it. Needs root, and takes as long as `make check` twice.
# Arguments are a command to be run there instead.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
user=64999

[ "$(id -u)" = 0 ] || {
    echo 'This needs root, to become another user.' >&2
    exit 1
}
cd "$top"
for manifest in Cargo.toml bench/Cargo.toml fuzz/Cargo.toml; do
    cargo fetch --quiet --manifest-path "$manifest"
done
cargo=${CARGO_HOME:-$HOME/.cargo}
rustup=${RUSTUP_HOME:-$HOME/.rustup}
compiler=$(rustc --print sysroot)/bin
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mkdir "$tmp/source" "$tmp/cargo" "$tmp/cargo/registry" "$tmp/rustup" "$tmp/with blanks"
git ls-files -z | tar -c --null -T - | tar -x --no-same-permissions -C "$tmp/source"
chmod 755 "$tmp"
chown -R "$user:$user" "$tmp"

[ $# -gt 0 ] || set -- tests/check.sh
unshare --net --mount sh -eu -c '
    tmp=$1 user=$2 cargo=$3 rustup=$4 compiler=$5
    shift 5
    ip link set lo up
    echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
    # Where they may be, nobody else looks.
    mount --bind -o ro "$cargo/registry" "$tmp/cargo/registry"
    [ ! -d "$rustup" ] || mount --bind -o ro "$rustup" "$tmp/rustup"
    cd "$tmp/source"
    umask 077
    exec setpriv --reuid "$user" --regid "$user" --clear-groups env -i PATH="$compiler:/usr/local/bin:/usr/bin:/bin" HOME=/nonexistent \
        CARGO_HOME="$tmp/cargo" CARGO_NET_OFFLINE=true RUSTUP_HOME="$tmp/rustup" TMPDIR="$tmp/with blanks" \
        LC_ALL=tr_TR.UTF-8 LANGUAGE=tr POSIXLY_CORRECT=1 CDPATH=/ DESTDIR=/nonexistent PREFIX=/nonexistent \
        NOTIFY_SOCKET=/nonexistent LISTEN_FDS=2 LISTEN_PID=1 LISTEN_PIDFDID=1 LISTEN_FDNAMES=a:b JOURNAL_STREAM=1:1 \
        WATCHDOG_USEC=5 WATCHDOG_PID=1 "$@"
' sh "$tmp" "$user" "$cargo" "$rustup" "$(echo "$compiler" | sed "s|^$rustup/|$tmp/rustup/|")" "$@"
