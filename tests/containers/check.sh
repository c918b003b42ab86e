#!/bin/sh
# What `make check-containers` does: runs what `make container` lays out, two static programs and two units and nothing else, in a
# chroot, in systemd-nspawn, and in containers of podman and crun: as process 1, as an ordinary user, with a root that is read-only,
# telling podman that it is ready, and with a passed socket. All of it in a root directory of Debian 13. Needs root, and Debian, whose
# packages it downloads.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$top/tests/debian13/root.sh"

make -C "$top" --silent container
make_root
add conmon crun gcc iproute2 libc6-dev podman socat systemd-container util-linux
rm -rf "$root/container"
cp -r "${CARGO_TARGET_DIR:-$top/target}/container" "$root/container"
cp "$top/packaging/container/Dockerfile" "$root/container.Dockerfile"
inside unshare --net sh tests/containers/inside.sh
