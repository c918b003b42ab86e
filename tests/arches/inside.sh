# The part of check.sh that runs in the root directory of Debian 13, for the architectures named.
set -u

table=/tmp/table
all_left_out=/tmp/all-left-out
failed=

# With other programs of this name before the system's, what builds and inspects programs does so for the architecture.
tools() {
    tools=/tmp/$1
    mkdir "$tools"
    for tool in ar gcc nm objdump readelf size strings strip; do
        ln -s "/usr/bin/$3-$tool" "$tools/$tool"
    done
    ln -s gcc "$tools/cc"
    printf '#!/bin/sh\nexec gcc "$@" -specs /usr/lib/%s/musl-gcc.specs\n' "$4" >"$tools/musl-gcc"
    printf '#!/bin/sh\nexec /usr/bin/rustc --target %s -C linker=cc "$@"\n' "$2" >"$tools/rustc"
    chmod +x "$tools/musl-gcc" "$tools/rustc"
}

# passes WHAT ARGUMENT...: cargo test, with these; tells, and leaves in $passed, how many of them passed.
passes() {
    printf '  %s: ' "$1"
    shift
    if cargo test --frozen --no-fail-fast "$@" >/tmp/log 2>&1; then
        passed=$(awk '/^test result: ok/ { sum += $4 } END { print sum }' /tmp/log)
        echo "$passed passed"
    else
        passed=FAILED
        failed=1
        echo "$passed"
        grep -v '\.\.\. ok$' /tmp/log
    fi
}

# What cannot be done here, by the names of the tests, and why.
left_out() {
    echo 'valgrind_finds there is no valgrind for it'
    echo 'with_every_linker there are no other linkers for it'
    if [ "$by" = qemu-user ]; then
        echo 'without_memory_a_long_message qemu does not have RLIMIT_AS obeyed'
        [ "$arch" != s390x ] || echo 'a_virtual_machine_notifies qemu leaves addresses of vsock(7) in the wrong byte order'
    fi
}

# With musl, what the tests expect of glibc.
left_out_with_musl() {
    echo 'an_error_is_sent_as_perror_prints_it musl has other texts for errors'
    echo 'errno_reaches_the_message_by_m musl has other texts for errors'
    echo 'what_perror_says_leaves_errno musl has other texts for errors'
    echo 'a_failure_is_returned_and_leaves_no_descriptor_open musl prints by writev, which is made to fail'
}

# skipping HOW: notes what is left out and why, and leaves the options for cargo test in $skip.
skipping() {
    sed "s/\([^ ]*\) /$(printf '%-8s' "$arch") \1$1: /" /tmp/left-out >>"$all_left_out"
    skip="$skip $(sed 's/ .*//; s/^/--skip /' /tmp/left-out)"
}

# That qemu does the same to the same programs with libsystemd.
left_out_for_libsystemd() {
    : >/tmp/cases.h
    for program in journal notify; do
        cc -I/tmp -o "/tmp/$program" "tests/programs/$program.c" -pthread -l:libsystemd.so.0 || return 1
    done
    # Natively there is no memory for a message, and libsystemd crashes.
    [ "$(/tmp/journal no-memory)" = "$(printf '0 77\n0 77')" ] || return 1
    [ "$arch" = s390x ] || return 0
    NOTIFY_SOCKET=vsock-dgram:2:1 strace -o /tmp/trace -e inject=socket:retval=20 /tmp/notify connected gone >/tmp/log
    grep -q 'svm_port=0xff030000' /tmp/trace
}

check() {
    arch=$1 target=$2 gnu=$3 musl=$4 qemu=$5
    printf '\n== %s\n' "$arch"
    tools "$arch" "$target" "$gnu" "$musl"
    variable=CARGO_TARGET_$(echo "$target" | tr a-z- A-Z_)_LINKER
    export CARGO_BUILD_TARGET="$target" "$variable=$gnu-gcc" PATH="$tools:$PATH"

    echo 'int main(void) { return 0; }' >/tmp/nothing.c
    cc -static -o /tmp/nothing /tmp/nothing.c
    by='this kernel'
    if ! /tmp/nothing 2>/dev/null; then
        by=qemu-user
        cat "/usr/share/qemu/binfmt.d/qemu-$qemu.conf" >/proc/sys/fs/binfmt_misc/register
        /tmp/nothing || exit 1
    fi
    skip=
    left_out >/tmp/left-out
    skipping ''
    always=$skip
    if [ "$by" = qemu-user ]; then
        left_out_for_libsystemd || { echo '  FAILED: libsystemd can do what is left out'; failed=1; }
    fi

    echo '  building'
    make --silent CARGOFLAGS='--quiet --frozen' || exit 1
    strip -o /tmp/stripped "/build/$target/release/libsdlite.so"
    row=$(printf '%-8s %-11s %7s' "$arch" "$by" "$(stat -c %s /tmp/stripped)")

    passes 'unit tests of sdlite-core' -p sdlite-core
    row="$row $(printf '%6s' "$passed")"
    # Linked with libsdlite.so, and statically with libsdlite.a by these compilers.
    for static in '' cc musl-gcc; do
        export SDLITE_STATIC="$static"
        case $static in
        '') unset SDLITE_STATIC ;;
        musl-gcc) left_out_with_musl >/tmp/left-out && skipping ' with musl' ;;
        esac
        # shellcheck disable=SC2086 # a list
        passes "C programs, ${static:-shared}" -p libsdlite --test files --test journal --test notify --test formats -- $skip
        row="$row $(printf '%6s' "$passed")"
    done
    unset SDLITE_STATIC
    skip=$always
    # shellcheck disable=SC2086 # a list
    passes 'the examples, activated, and what is installed' -p libsdlite --test examples --test install -- $skip
    row="$row $(printf '%9s' "$passed")"

    echo "  comparing $SDLITE_CASES cases"
    # Its progress is shown, its table as well.
    { cargo test --quiet --frozen -p libsdlite --test compare 2>&1 || echo FAILED; } | tee /tmp/log | grep --line-buffered '^[0-9]* %\|differences\|^FAILED\|^all'
    ! grep -q '^FAILED' /tmp/log || { failed=1; cat /tmp/log; }
    echo "$row $(awk '/^all / { printf "%9s %11s", $2, $3 }' /tmp/log)" >>"$table"
}

export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc HOST_CC=x86_64-linux-gnu-gcc CARGO_BUILD_RUSTC=/usr/bin/rustc
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || {
    echo 'This needs Linux 6.7, for a namespace to have its own programs for qemu.' >&2
    exit 1
}
ip link set lo up
usual_path=$PATH
for architecture in "$@"; do
    PATH=$usual_path
    # shellcheck disable=SC2046 # a list
    check $(grep "^$architecture " tests/arches/architectures)
done
printf '\n%-8s %-11s %7s %6s %6s %6s %6s %9s %9s %11s\n' '' 'run by' size unit shared static musl installed cases differences
cat "$table"
printf '\nLeft out, by the names of the tests:\n'
cat "$all_left_out"
[ -z "$failed" ] || exit 1
