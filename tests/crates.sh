#!/bin/sh
# What `make check-crates` does: builds the package of each crate that others use from itself alone, and installs sd-activate by cargo.
set -eu
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export CARGO_TARGET_DIR="$tmp/target" CARGO_PROFILE_DEV_DEBUG=0

packages=libsdlite
for manifest in $(grep -L '^publish = false' crates/*/Cargo.toml); do
    packages="$packages $(sed -n '/^name = "/{s///;s/"//p;q;}' "$manifest")"
done
# shellcheck disable=SC2046,SC2086 # lists
cargo package --locked --allow-dirty $(printf -- '-p %s ' $packages)
ls -l "$CARGO_TARGET_DIR"/package/*.crate

cargo install --locked --path crates/sd-activate --root "$tmp/root"
"$tmp/root/bin/sd-activate" --version
"$tmp/root/bin/sdctl" --version
