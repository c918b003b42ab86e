#!/bin/sh
# What `make check-dist` does: makes the source archive of a release twice, from two clones in two directories, with other masks, time
# zones and homes of cargo, and compares the bytes; looks for directories of this machine in it; builds what it holds without network and
# with an empty home of cargo.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cargo_home=${CARGO_HOME:-$HOME/.cargo}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$top"

step() {
    printf '\n== %s\n' "$1"
}

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

step 'The same bytes twice'
mkdir "$tmp/cargo"
for name in registry config.toml; do
    [ ! -e "$cargo_home/$name" ] || ln -s "$(realpath "$cargo_home/$name")" "$tmp/cargo/$name"
done
for clone in 'one' 'another-whose-path-is-longer/clone'; do
    git clone --quiet --no-hardlinks . "$tmp/$clone"
done
(unset CARGO_TARGET_DIR && umask 022 && "$tmp/one/packaging/dist.sh")
(unset CARGO_TARGET_DIR && umask 077 && cd / && TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 CARGO_HOME="$tmp/cargo" \
    "$tmp/another-whose-path-is-longer/clone/packaging/dist.sh")
archive=$(echo "$tmp"/one/target/dist/libsdlite-*.tar.xz)
cmp "$archive" "$tmp/another-whose-path-is-longer/clone/target/dist/${archive##*/}"

step 'What it holds'
mkdir "$tmp/unpacked"
tar -xf "$archive" -C "$tmp/unpacked"
cd "$tmp/unpacked"/*
echo "$(tar -tf "$archive" | wc -l) files, $(stat -c %s "$archive") bytes, $(find vendor -mindepth 1 -maxdepth 1 | wc -l) crates"
for word in "$tmp/" "$cargo_home/registry"; do
    ! grep -rlF -e "$word" . || fail "it names \"$word\""
done
# Nothing leads to another registry than that which everybody has.
[ "$(grep -h '^source = ' Cargo.lock | sort -u)" = 'source = "registry+https://github.com/rust-lang/crates.io-index"' ] ||
    fail 'Cargo.lock names another registry'
[ "$(tar -tvf "$archive" | awk '{ print $2, $4, $5 }' | sort -u | wc -l)" = 1 ] || fail 'not one owner and one time for all'
for sbom in sbom/*.cdx.json; do
    python3 - "$sbom" <<'EOF'
import json, sys
bom = json.load(open(sys.argv[1]))
components = {c["name"]: c["version"] for c in bom["components"]}
assert bom["bomFormat"] == "CycloneDX" and "libc" in components, sys.argv[1]
print(f"{sys.argv[1]}: {len(components)} components")
EOF
done

step 'Built without network'
mkdir "$tmp/home"
offline() {
    # With an interface of its own that nobody has switched on. Whoever is not root becomes it there.
    # shellcheck disable=SC2046 # no words, or two
    unshare --net $([ "$(id -u)" = 0 ] || echo --user --map-root-user) env -i PATH="$PATH" HOME="$tmp/home" CARGO_HOME="$tmp/home" \
        RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}" CARGO_TARGET_DIR="$tmp/target" CARGO_PROFILE_DEV_DEBUG=0 "$@"
}
offline cargo build --quiet --offline --locked --workspace
offline "$tmp/target/debug/sd-activate" --version

step 'Everything passed.'
