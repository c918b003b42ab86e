#!/bin/sh
# What `make mutants` does: cargo-mutants changes crates/sdlite-core in one place at a time, and some test has to notice. The
# changes that none can notice are in .cargo/mutants.toml, with the reasons. Arguments are for cargo-mutants, such as --file
# notify.rs.
set -eu
cd "$(dirname "$0")/../.."

target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
PATH="$target/tools/bin:$PATH"
command -v cargo-mutants >/dev/null || cargo install cargo-mutants --version 27.1.0 --locked --root "$target/tools"

# The comparison is built once, and is the same for all.
echo '== The comparison, and the library without a change'
comparison=$(cargo test --package libsdlite --test compare --no-run 2>&1 | sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
SDLITE_COMPARISON=$(realpath "$comparison")
export SDLITE_COMPARISON

# In a copy of the tree, so that this one stays as it is, and what does not change is built once for all of them; without what
# makes building slow.
copy=$target/mutants
rm -rf "$copy/source"
mkdir -p "$copy/source"
tar -c --exclude=target --exclude=.git . | tar -x --touch -C "$copy/source"
cd "$copy/source"
export CARGO_TARGET_DIR="$copy/target" CARGO_PROFILE_RELEASE_OPT_LEVEL=1
make --silent
SDLITE_LIBRARY=$CARGO_TARGET_DIR/release/libsdlite.so SDLITE_CASES=20_000 "$SDLITE_COMPARISON" --quiet

mutants() {
    status=0
    cargo mutants --in-place --package sdlite-core --baseline skip --build-timeout 300 --timeout 300 --output "$target" "$@" ||
        status=$?
    # 2 and 3: there are some that no test noticed, or with which the tests did not come to an end.
    case $status in 0 | 2 | 3) ;; *) exit $status ;; esac
}

printf '\n== All: the unit tests, and then the comparison with libsystemd\n'
rm -rf "$target/mutants.out" "$target/mutants.out.old"
mutants "$@" --test-package sdlite-core,sdlite-test-support -- --lib --test mutant

# What the installed libsystemd does not have, and what does not show in the answers. They take ten times as long.
printf '\n== Those that these did not notice: the tests of the library from outside\n'
mutants "$@" --iterate --test-package libsdlite -- --test notify --test journal --test syscalls --test faults

printf '\n== Those that are left: static programs with musl\n'
SDLITE_STATIC=musl-gcc mutants "$@" --iterate --test-package libsdlite -- --test notify

printf '\n== Noticed by no test, and not explained in .cargo/mutants.toml\n'
cat "$target/mutants.out/missed.txt"
[ ! -s "$target/mutants.out/missed.txt" ] || exit 1
echo 'None.'
