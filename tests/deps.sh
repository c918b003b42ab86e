#!/bin/sh
# The packages of Debian that the tests compare the library with, and run it by.
#
#   deps.sh            what `make check-deps` does: installs those that are missing, and says which first; needs root
#   deps.sh all        prints the names of all
#   deps.sh missing    prints the names of those that are not installed; nothing where this is not Debian
set -eu

all='abigail-tools clang cmake dbus g++ gcc libpam-systemd libsystemd-dev lld man-db mandoc meson mold musl-tools ninja-build patchelf pkg-config
    procps python3-systemd strace systemd systemd-container valgrind'

missing() {
    command -v dpkg-query >/dev/null || return 0
    for package in $all; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' || printf '%s ' "$package"
    done
}

install_missing() {
    missing=$(missing)
    if [ -z "$missing" ]; then
        echo "Nothing is to be installed: $(echo $all)"
        return
    fi
    echo "To be installed: $missing"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo 'That needs root, and apt-get.' >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    # shellcheck disable=SC2086 # a list
    apt-get install -q -y --no-install-recommends $missing
}

case ${1-} in
'') install_missing ;;
all) echo $all ;;
missing) missing ;;
*) sed -n 's/^# *//; 2,6p' "$0" >&2; exit 2 ;;
esac
