# The part of check.sh that runs in the root directory of Debian 13.
set -eu

step() {
    printf '\n== %s\n' "$1"
}

step "$(cargo --version), $(ld --version | head -n 1)"

step 'Without lld and mold it says what to install'
for linker in /usr/bin/ld.lld /usr/bin/ld.mold; do
    mount --bind /dev/null "$linker"
done
touch /tmp/log
if CARGO_TARGET_DIR=/tmp/build cargo build --release --frozen -p libsdlite 2>/tmp/log || ! grep '^ *Install lld' /tmp/log; then
    cat /tmp/log
    exit 1
fi
umount /usr/bin/ld.mold
step 'With mold alone it builds'
CARGO_TARGET_DIR=/tmp/build cargo build --release --frozen -p libsdlite
umount /usr/bin/ld.lld
rm -r /tmp/build

step 'make install'
make --no-print-directory CARGO='cargo --frozen' install DESTDIR=/tmp/installed
strip -o /tmp/stripped /build/release/libsdlite.so
echo "libsdlite.so, stripped: $(stat -c %s /tmp/stripped) bytes"

step 'Tests'
echo 'Left out: the_crate_libsystemd_sys_0_9_builds_with_the_drop_in_and_runs: there is no network, and so no other crate.'
cargo test --workspace --frozen --no-fail-fast -- --skip the_crate_libsystemd_sys

step 'Everything passed.'
