#!/bin/sh
# What `make check` does: formatting, lints, all tests, documentation. As root on Debian it has `make check-deps` install first what
# the library is compared with; elsewhere it says what is missing, and at the end which tests were left out for want of it.
set -eu
cd "$(dirname "$0")/.."

step() {
    printf '\n== %s\n' "$1"
}

# What could not be tried here, a line each.
left_out=$(mktemp)
trap 'rm -f "$left_out"' EXIT
export SDLITE_REPORT="$left_out"

step 'What the library is compared with'
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    make --no-print-directory check-deps
else
    # Tests that need something which could be installed write a line there too, instead of failing.
    export SDLITE_LEFT_OUT="$left_out"
    missing=$(tests/deps.sh missing)
    if [ -n "$missing" ]; then
        echo "Not installed: $missing"
        echo 'What needs these is left out. As root, `make check-deps` installs them.'
    fi
fi

step 'Formatting'
cargo fmt --all --check

step 'Lints'
cargo clippy --workspace --all-targets --all-features -- -D warnings

# What measures is in a workspace of its own, and is not run: figures are no tests.
cargo fmt --manifest-path bench/Cargo.toml --check
cargo clippy --manifest-path bench/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}/bench" -- -D warnings

cargo fmt --manifest-path fuzz/Cargo.toml --check
cargo clippy --manifest-path fuzz/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}/fuzz" --no-default-features -- -D warnings

step 'The library and sd-activate, as they are installed'
make --no-print-directory

step 'Tests'
cargo test --workspace --all-features

if command -v musl-gcc >/dev/null; then
    # Left out: valgrind, which does not see musl's allocation; and what is expected of glibc: its texts of errors, and how it prints.
    step 'The C tests once more, on musl'
    SDLITE_LIBC=musl cargo test --test files --test id128 --test journal --test notify -- --skip valgrind \
        --skip an_error_is_sent_as_perror_prints_it --skip errno_reaches_the_message_by_m --skip what_perror_says_leaves_errno \
        --skip a_failure_is_returned_and_leaves_no_descriptor_open
fi

# Leaks are what valgrind has looked for above. What is left out: valgrind, an end of memory that a sanitizer does not survive
# itself, a thousand threads, and reading sources; and threads that fork, where gcc's address sanitizer may hold a lock of its own.
step 'The C tests once more, with the sanitizers in programs and library'
without='--skip valgrind --skip without_memory --skip thousand_threads --skip threads_that_log_first --skip every_function_is
    --skip ten_million --skip any_instruction'
# shellcheck disable=SC2086 # a list
SDLITE_SANITIZER=address ASAN_OPTIONS=detect_leaks=0 cargo test --test journal --test notify --test robust -- $without \
    --skip threads_fork --skip children_log
# shellcheck disable=SC2086 # a list
SDLITE_SANITIZER=thread cargo test --test robust -- $without

step 'Fuzzing, a few seconds for each target'
fuzz/run.sh 5

step 'Under systemd'
SDLITE_LEFT_OUT="$left_out" tests/systemd/check.sh || [ $? = 77 ]

step 'Documentation'
RUSTDOCFLAGS='-D warnings' cargo doc --workspace --all-features --no-deps

if [ -s "$left_out" ]; then
    step "Left out: $(sort -u "$left_out" | wc -l) tests"
    sort -u "$left_out"
    echo 'On Debian, `make check-deps` installs as root what these need.'
else
    step 'Everything passed, and nothing was left out.'
fi
