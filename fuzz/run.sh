#!/bin/sh
# What `make fuzz` does: run.sh SECONDS [TARGET...] builds the targets with the address sanitizer, replays their corpora, and
# then looks for new inputs, for so many seconds each. Stops at the first finding, and says how to see it again.
set -eu
cd "$(dirname "$0")/.."

seconds=$1
shift
[ $# -gt 0 ] || set -- number names id128 login notify journal address command_line unit environment_file unit_command time_span control \
    log_entry log_syslog log_stream notification accounts tools proxy_header
root=${CARGO_TARGET_DIR:-target}/fuzz
triple=$(rustc -vV | sed -n 's/^host: //p')

# As cargo-fuzz builds them. The sanitizer's runtime comes with every Rust; only its option is not stable.
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0"
RUSTC_BOOTSTRAP=1 RUSTFLAGS="$coverage -Zsanitizer=address -Ccodegen-units=1" \
    cargo build --release --locked --manifest-path fuzz/Cargo.toml --target "$triple" --target-dir "$root"

for target in "$@"; do
    binary=$root/$triple/release/$target
    corpus=fuzz/corpus/$target
    found=$root/corpus/$target
    log=$root/$target.log
    mkdir -p "$found" "$root/findings"

    # The programs tell the user what is wrong with a command line, which nobody wants to read a million times.
    mask=0
    case $target in command_line | tools) mask=3 ;; esac
    dictionary=fuzz/dictionaries/$target
    [ -e "$dictionary" ] || dictionary=
    # The timeout is of the clock on the wall, and the machine may have other work.
    "$binary" "$found" "$corpus" ${dictionary:+"-dict=$dictionary"} -close_fd_mask=$mask -max_len=4096 -timeout=120 \
        -max_total_time="$seconds" -artifact_prefix="$root/findings/$target-" -print_final_stats=1 >"$log" 2>&1 &
    process=$!
    trap 'kill $process 2>/dev/null; exit 1' INT TERM
    # The progress: libFuzzer's last line, every half minute.
    elapsed=0
    while kill -0 $process 2>/dev/null; do
        sleep 1
        elapsed=$((elapsed + 1))
        [ $((elapsed % 30)) != 0 ] || printf '%s %ds of %ds: %s\n' "$target" $elapsed "$seconds" "$(grep '^#' "$log" | tail -n 1)"
    done
    status=0
    wait $process || status=$?
    trap - INT TERM
    if [ $status != 0 ]; then
        cat "$log"
        finding=$(sed -n 's/.*Test unit written to //p' "$log")
        # With its words.
        [ $mask = 0 ] || [ -z "$finding" ] || "$binary" "$finding" || true
        echo "$target: a finding. To see it again: $binary ${finding:-FILE}"
        exit 1
    fi
    printf '%-13s %3s files replayed, then %s\n' "$target" "$(find "$corpus" -type f | wc -l)" "$(grep DONE "$log" | tr '\t' ' ')"
done
