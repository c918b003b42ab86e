#!/bin/sh
# What `make check-arches` does: builds for six architectures in a root directory of Debian 13, runs the tests there, natively or
# under qemu-user, and compares with each architecture's own libsystemd.so.0. It takes a quarter of an hour and more.
#
#   SDLITE_ARCHES    which of them: all if not set
#   SDLITE_CASES     how many cases to compare for each: 100000 if not set
#
# An architecture whose packages the mirror does not have today is left out, and said to be.
#
# Exits with 0 where everything passed, 77 where everything passed but something was left out, and another status otherwise.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$top/tests/debian13/root.sh"

# Runs a command in the root as `inside` does, and in namespaces where programs of other architectures are for qemu, which is
# nothing to the rest of the system; in one of users, because binfmt_misc is told so for one of these.
foreign() {
    tmp=$(mktemp -d)
    mkfifo "$tmp/mapped"
    unshare --user --net --mount --pid --fork --kill-child sh -c 'read -r _ <"$1" && shift && exec "$@"' sh "$tmp/mapped" \
        sh "$top/tests/debian13/root.sh" enter "$root" "$top" "$@" &
    namespaces=$!
    # Where it has ended by itself there is nothing to kill, which is no failure.
    trap 'kill -9 "$namespaces" 2>/dev/null || true; rm -r "$tmp"' EXIT
    while kill -0 "$namespaces" && [ "$(readlink "/proc/$namespaces/ns/user")" = "$(readlink /proc/self/ns/user)" ]; do
        sleep 0.1
    done
    for map in uid_map gid_map; do
        echo '0 0 4294967295' >"/proc/$namespaces/$map"
    done
    echo >"$tmp/mapped"
    wait "$namespaces"
}

# have ARCH: installs what the tests for it take. False, having said why, where the mirror does not have all of it.
have() {
    arch=$1
    gnu=$(awk -v arch="$arch" '$1 == arch { print $3 }' "$top/tests/arches/architectures")
    [ "$arch" != amd64 ] || return 0
    if inside dpkg --add-architecture "$arch" && inside apt-get update -q && inside apt-get install -q -y --no-install-recommends \
        "libc6-dev:$arch" "libstd-rust-dev:$arch" "libsystemd0:$arch" "musl-dev:$arch" "gcc-$(echo "$gnu" | tr _ -)"; then
        return 0
    fi >"$log" 2>&1 </dev/null
    printf 'Left out: %s\n' "$arch"
    grep '^[EW]: ' "$log" | sed 's/^/    /'
    # Where nothing of it is installed, apt need not ask for it again.
    inside dpkg --remove-architecture "$arch" >"$log" 2>&1 || true
    return 1
}

arches=${SDLITE_ARCHES:-amd64 i386 armhf arm64 riscv64 s390x}
for arch in $arches; do
    grep -q "^$arch " "$top/tests/arches/architectures" ||
        fail "SDLITE_ARCHES: $arch is none of those in tests/arches/architectures."
done
make_root
add cargo rustc binutils gcc iproute2 libsystemd-dev lld make musl-tools patchelf pkg-config qemu-user strace systemd-dev
found='' left_out=''
for arch in $arches; do
    if have "$arch"; then
        found="$found $arch"
    else
        left_out="$left_out $arch"
    fi
done
# shellcheck disable=SC2086 # a list
[ -z "$found" ] || foreign sh tests/arches/inside.sh $found
[ -z "$left_out" ] || {
    echo "Left out, for want of packages in the mirror:$left_out"
    exit 77
}
