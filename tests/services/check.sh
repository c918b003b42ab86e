#!/bin/sh
# What `make check-services` does: downloads the packages that services.py names, of this Debian, unpacks them below target/services
# with the libraries that they need, and boots systemd over that, as make check-systemd does. There services.py runs their services.
# Nothing is installed. Arguments are names of services; without any all are run.
set -eu
cd "$(dirname "$0")/../.."

work=$PWD/${CARGO_TARGET_DIR:-target}/services
root=$work/root
export LC_ALL=C

for program in apt-get dpkg-deb python3; do
    command -v $program >/dev/null || { echo "check-services needs $program, as Debian has it" >&2 && exit 1; }
done
packages=$(python3 -B tests/services/services.py packages)

rm -rf "$work/archives" "$root"
mkdir -p "$work/archives/partial" "$root"
# apt downloads as a user of its own where that may write.
chmod 777 "$work/archives"
: >"$work/status"
# As where nothing is installed: the same packages everywhere.
simulate() {
    # shellcheck disable=SC2086 # a list
    apt-get install --simulate --no-install-recommends -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
        -o Dir::State::Status="$work/status" $packages >"$work/simulated"
}
simulate || { apt-get update --quiet && simulate; }
libraries=$(sed -n 's/^Inst \(lib[^ ]*\) .*/\1/p' "$work/simulated" |
    grep -vxE 'libc6|libc-bin|libsystemd0|libsystemd-shared')
echo "Unpacking $(echo "$packages" | wc -w) packages, and $(echo "$libraries" | wc -w) with libraries ..."
# shellcheck disable=SC2086 # a list
(cd "$work/archives" && apt-get download --quiet $packages $libraries >/dev/null)
for directory in bin sbin lib lib64; do
    mkdir -p "$root/usr/$directory"
    ln -s "usr/$directory" "$root/$directory"
done
for archive in "$work/archives"/*.deb; do
    dpkg-deb --fsys-tarfile "$archive" | tar -x --keep-directory-symlink -C "$root"
done
rm -rf "$work/archives"

SDLITE_UNPACKED=$root tests/systemd/check.sh services "$@"
