# The part of check.sh that runs in the root directory of Debian 13.
set -eu

step() {
    printf '\n== %s\n' "$1"
}

step "$(cargo --version), $(ld --version | head -n 1)"

step 'make install'
make --no-print-directory CARGOFLAGS=--frozen install DESTDIR=/tmp/installed
strip -o /tmp/stripped /build/release/libsdlite.so
echo "libsdlite.so, stripped: $(stat -c %s /tmp/stripped) bytes"

step 'Tests'
echo 'Left out: the_crate_libsystemd_sys_0_9_builds_with_the_drop_in_and_runs: there is no network, and so no other crate.'
cargo test --workspace --frozen --no-fail-fast -- --skip the_crate_libsystemd_sys

step 'Everything passed.'
