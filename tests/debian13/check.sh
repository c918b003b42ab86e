#!/bin/sh
# What `make check-debian13` does: builds, installs and tests with the compiler that Debian 13 packages, Rust 1.85, and with
# vendored crates, in a root directory of its own. It takes some minutes, the first time more.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$top/tests/debian13/root.sh"

make_root
# shellcheck disable=SC2046 # a list
add $(sh "$top/tests/deps.sh" all) binutils-gold cargo make rustc
inside sh tests/debian13/inside.sh
