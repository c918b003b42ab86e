#!/bin/sh
# What `make check-newest` does: compares with the newest libsystemd and systemd that Debian has, fetched with its own C library from where
# this system gets its packages. Nothing is installed: it is all below target/newest, and fetched again when there is a newer.
#
# SDLITE_SUITE names another suite of Debian than sid, such as trixie or bookworm-backports; SDLITE_CASES how many cases there are.
set -eu
cd "$(dirname "$0")/.."

suite=${SDLITE_SUITE:-sid}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
here=$target/newest/$suite

fail() {
    echo "check-newest: $1" >&2
    exit 1
}

# logged COMMAND: shows what it says only where it fails.
logged() {
    "$@" >"$here/log" 2>&1 || fail "$(cat "$here/log")"
}

# apt-get with lists, packages and a system of its own, in which nothing is installed yet.
private_apt_get() {
    apt-get -q -o Dir::Etc::SourceList="$here/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State="$here/state" \
        -o Dir::State::Status="$here/status" -o Dir::Cache="$here/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User= \
        -o APT::Install-Recommends=0 -o Acquire::Languages=none "$@"
}

# From the first of this system's mirrors that has the suite.
update() {
    rm -f "$here"/log*
    n=1
    for mirror in $(apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' | sort -u); do
        # What is backported depends on what is not.
        printf "deb [signed-by=$keyring] $mirror %s main\n" "$suite" "${suite%-backports}" | uniq >"$here/sources.list"
        ! private_apt_get update -o APT::Update::Error-Mode=any >"$here/log.$n" 2>&1 || return 0
        n=$((n + 1))
    done
    cat "$here"/log.* >&2
    fail "none of this system's mirrors has Debian $suite"
}

# All in one directory, as a system with /usr merged has it.
unpack() {
    rm -rf "$here/root"
    mkdir -p "$here/root/usr/lib" "$here/root/usr/lib64"
    ln -s usr/lib "$here/root/lib"
    ln -s usr/lib64 "$here/root/lib64"
    for package in "$here"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$here/root"
    done
}

command -v apt-get >/dev/null || fail 'it needs apt-get, as Debian has it'
[ -e "$keyring" ] || fail "it needs $keyring (Debian: apt-get install debian-archive-keyring)"

printf '== The newest libsystemd of Debian %s\n' "$suite"
mkdir -p "$here/state/lists/partial" "$here/cache/archives/partial"
: >"$here/status"
update
logged private_apt_get install --target-release "$suite" --yes --download-only libsystemd0 systemd
# Its archive, which make bench measures; what that depends on is not needed.
cd "$here/cache/archives"
logged private_apt_get download --target-release "$suite" libsystemd-dev
cd "$OLDPWD"
private_apt_get autoclean >/dev/null
packages=$(ls "$here/cache/archives")
if [ "$packages" != "$(cat "$here/unpacked" 2>/dev/null)" ]; then
    unpack
    echo "$packages" >"$here/unpacked"
fi

version=$(dpkg-deb -f "$here"/cache/archives/libsystemd0_*.deb Version)
directory=$(dirname "$here"/root/usr/lib/*/libsystemd.so.0)
linker=$(find "$directory" -maxdepth 1 -name 'ld-linux*.so.*')
echo "libsystemd $version, in $directory"

printf '\n== All answers\n'
host=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
env "CARGO_TARGET_${host}_RUNNER=$linker --library-path $directory" SDLITE_REFERENCE="$directory/libsystemd.so.0" \
    cargo test --test compare

printf '\n== All messages and system calls, and what comes of system calls that fail\n'
SDLITE_LIBSYSTEMD=$directory cargo test --test journal --test notify --test syscalls --test faults --test formats
SDLITE_LIBSYSTEMD=$directory cargo test --test dropin version_node

printf '\n== What systemd-notify, systemd-cat and systemd-socket-proxyd do\n'
SDLITE_SYSTEMD=$here/root cargo test -p sd-tools --test notify --test cat --test proxy

printf '\n== The answers are those of libsystemd %s.\n' "$version"
