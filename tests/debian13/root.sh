# A root directory of Debian 13, kept below target/, for check-debian13 and check-arches: to be sourced, where $top is the top
# of the source tree. As a program, `sh root.sh enter ROOT TOP COMMAND` mounts what it needs and runs a command in it.

root=${CARGO_TARGET_DIR:-$top/target}/debian13
log=$root.log
mkdir -p "${root%/*}"

step() {
    printf '\n== %s\n' "$1"
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# logged COMMAND: shows what a long command says only where it fails.
logged() {
    "$@" >"$log" 2>&1 </dev/null || {
        cat "$log"
        fail "Failed: $*"
    }
}

# Makes it from the mirror that this system's apt has, and brings the crates along as packagers do.
make_root() {
    [ "$(id -u)" = 0 ] || fail 'This needs root, for it makes a root directory of Debian 13 and runs in it.'
    command -v apt-get >/dev/null || fail 'This needs Debian, for apt-get and its mirror.'
    command -v debootstrap >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
        fail 'This needs debootstrap (Debian: apt-get install debootstrap debian-archive-keyring).'
    if [ ! -e "$root" ]; then
        step "Debian 13, into $root"
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -n 1)
        [ -n "$mirror" ] || fail 'apt has no mirror of Debian: look into /etc/apt/sources.list.d.'
        rm -rf "$root.new"
        logged debootstrap --variant=minbase trixie "$root.new" "$mirror"
        mkdir -p "$root.new/build" "$root.new/root/.cargo"
        printf '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "/vendor"\n' \
            >"$root.new/root/.cargo/config.toml"
        mv "$root.new" "$root"
    fi
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    (cd "$top" && logged cargo vendor --locked --versioned-dirs "$root/vendor")
}

# add PACKAGE...: installs them in that root.
add() {
    step 'Packages'
    logged inside apt-get update -q
    logged inside apt-get install -q -y --no-install-recommends "$@"
}

# Puts the source archive of `make dist` into /dist of that root.
bring_archive() {
    step 'make dist'
    "$top/packaging/dist.sh"
    rm -rf "$root/dist"
    mkdir "$root/dist"
    cp "$(ls -t "${CARGO_TARGET_DIR:-$top/target}"/dist/*.tar.xz | head -n 1)" "$root/dist"
}

# inside COMMAND...: runs it in that root, as root.
inside() {
    unshare --mount --pid --fork --kill-child sh "$top/tests/debian13/root.sh" enter "$root" "$top" "$@"
}

enter() {
    root=$1
    top=$2
    shift 2
    mount --make-rprivate /
    # Of its own, for programs inside to have mount namespaces.
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    for directory in sys dev; do
        mount --rbind "/$directory" "$root/$directory"
    done
    for directory in tmp run; do
        mount -t tmpfs tmpfs "$root/$directory"
    done
    # The source tree, which nobody writes to. Its path is part of no other, so that a build which names it is noticed.
    mkdir -p "$root/sdlite-source"
    mount --bind "$top" "$root/sdlite-source"
    mount -o remount,bind,ro "$root/sdlite-source"
    # What --kill-child has asked for is forgotten where a program gains the rights of root.
    exec setpriv --pdeathsig KILL chroot "$root" /usr/bin/env -i -C /sdlite-source PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive CARGO_TARGET_DIR=/build CARGO_NET_OFFLINE=true CARGO_PROFILE_TEST_DEBUG=0 \
        SDLITE_CASES="${SDLITE_CASES:-100000}" "$@"
}

if [ "${1-}" = enter ]; then
    set -eu
    shift
    enter "$@"
fi
