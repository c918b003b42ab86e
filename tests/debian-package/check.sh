#!/bin/sh
# What `make check-debian-package` does: builds Debian's packages from the source archive of `make dist` in a root directory of Debian
# 13, with its own rustc and without network; has lintian read them; installs, upgrades and removes them there; and rebuilds rpcbind,
# which is linked with libsystemd in Debian, with the library. Needs root, and Debian, whose packages it downloads.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$top/tests/debian13/root.sh"

make_root
add build-essential cargo debhelper lintian pkgconf rustc
# What the package that is rebuilt is made of.
sed -n 's/^deb /deb-src /p' "$root/etc/apt/sources.list" >"$root/etc/apt/sources.list.d/source.list"
logged inside apt-get update -q
logged inside apt-get build-dep -q -y --no-install-recommends rpcbind

bring_archive
inside sh tests/debian-package/inside.sh
