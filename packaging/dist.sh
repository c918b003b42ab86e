#!/bin/sh
# What `make dist` does: from what is committed, a source archive with all crates and with the list of them, which builds without
# network. Whoever makes it with the same cargo-cyclonedx gets the same bytes.
#
#   target/dist/libsdlite-VERSION.tar.xz
#
# In it are vendor/, .cargo/config.toml that has cargo look there, and sbom/ in the format of CycloneDX.
set -eu
export LC_ALL=C TZ=UTC
cd "$(dirname "$0")/.."
umask 022

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

git rev-parse --quiet --verify HEAD >/dev/null || fail 'This needs a git repository: an archive is made of what is committed.'
command -v cargo-cyclonedx >/dev/null || fail 'This needs cargo-cyclonedx: cargo install --locked cargo-cyclonedx'

version=$(sed -n '/^version = "/{s///;s/"//p;q;}' Cargo.toml)
name=libsdlite-$version
mkdir -p "${CARGO_TARGET_DIR:-target}/dist"
out=$(cd "${CARGO_TARGET_DIR:-target}/dist" && pwd)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git archive --prefix="$name/" HEAD | tar -x -C "$work"
cd "$work/$name"

cargo vendor --quiet --locked --versioned-dirs vendor >/dev/null
cat >.cargo/config.toml <<'EOF'
[source.crates-io]
replace-with = "vendored"

[source.vendored]
directory = "vendor"
EOF

# It names each package by where it is: as if that were the same directory everywhere.
cargo cyclonedx --quiet --format json --all --target x86_64-unknown-linux-gnu
mkdir sbom
for manifest in Cargo.toml crates/*/Cargo.toml; do
    package=$(sed -n '/^name = "/{s///;s/"//p;q;}' "$manifest")
    sed "s|file://$work/|file:///|g" "$(dirname "$manifest")/$package.cdx.json" >"sbom/$package.cdx.json"
done
find . -name vendor -prune -o -name '*.cdx.json' ! -path './sbom/*' -exec rm {} +

# Whoever makes it, whenever and where: names, order, times, owners and modes are given here.
cd ..
tar -c --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX "$name" |
    xz -3 --threads=1 >"$out/$name.tar.xz.new"
mv "$out/$name.tar.xz.new" "$out/$name.tar.xz"
cd "$out"
sha256sum "$name.tar.xz"
