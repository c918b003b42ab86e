#!/bin/sh
# Which lines of what is fuzzed the corpora reach, the committed one and what `make fuzz` has found since, as a table. Needs
# llvm-profdata and llvm-cov of the LLVM that rustc has: `rustup component add llvm-tools`, or those that LLVM_BIN is the directory of.
set -eu
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || set -- number names notify journal address command_line
fuzzed=${CARGO_TARGET_DIR:-target}/fuzz
root=$fuzzed/coverage
triple=$(rustc -vV | sed -n 's/^host: //p')
llvm=${LLVM_BIN:-$(rustc --print sysroot)/lib/rustlib/$triple/bin}
if ! "$llvm/llvm-profdata" --version >/dev/null 2>&1; then
    echo "There is no llvm-profdata in $llvm: rustup component add llvm-tools, or set LLVM_BIN." >&2
    exit 1
fi

# Not optimised: a line that is put into another is not told from it.
RUSTFLAGS=-Cinstrument-coverage cargo build --locked --manifest-path fuzz/Cargo.toml --target "$triple" --target-dir "$root"

# What the target is built for: the other files of its program are libraries and itself.
sources() {
    case $1 in
        number) echo sdlite-core/src/number.rs ;;
        names) echo sdlite-core/src/listen.rs ;;
        notify) echo sdlite-core/src/notify.rs ;;
        journal) echo sdlite-core/src/journal.rs ;;
        address) echo sd-activate/src/address.rs ;;
        command_line) echo sd-activate/src/options.rs sd-activate/src/environment.rs ;;
    esac
}

printf '\n| target | source | regions | lines |\n| --- | --- | --- | --- |\n'
for target in "$@"; do
    binary=$root/$triple/debug/$target
    profile=$root/$target.profdata
    mkdir -p "$fuzzed/corpus/$target"
    LLVM_PROFILE_FILE=$root/$target.profraw "$binary" -runs=0 -close_fd_mask=3 "$fuzzed/corpus/$target" "fuzz/corpus/$target" \
        >/dev/null 2>&1
    "$llvm/llvm-profdata" merge -sparse "$root/$target.profraw" -o "$profile"
    for source in $(sources "$target"); do
        "$llvm/llvm-cov" report "$binary" -instr-profile="$profile" |
            awk -v target="$target" -v source="$source" 'index($1, "crates/" source) {
                printf "| `%s` | `%s` | %d of %d | %d of %d |\n", target, source, $2 - $3, $2, $8 - $9, $8
            }'
    done
done
echo
echo "Line by line: $llvm/llvm-cov show $root/$triple/debug/TARGET -instr-profile=$root/TARGET.profdata"
