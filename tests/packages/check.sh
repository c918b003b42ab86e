#!/bin/sh
# What `make check-packages` does: downloads the packages of this Debian that depend on libsystemd0, and looks which of them find
# every function that they use, at its version, in libsdlite. It writes the table of the others into docs/compatibility.md. Nothing
# is installed or run: what is downloaded stays below target/packages, so that the next time takes seconds.
#
# Packages of SIZE_MAX bytes or more are left out.
set -eu
cd "$(dirname "$0")/../.."

SIZE_MAX=${SIZE_MAX:-4000000}
# Fewer than this many are an error.
AT_LEAST=180
library=${1:?the shared library}
target=${CARGO_TARGET_DIR:-target}/packages
table=docs/compatibility.md
export LC_ALL=C

fail() {
    echo "check-packages: $1" >&2
    exit 1
}

for program in apt-get apt-cache dpkg-deb nm; do
    command -v $program >/dev/null || fail "it needs $program, as Debian has it"
done
mkdir -p "$target/symbols"
rm -rf "$target/unpacked"

# symbols WHICH FILE...: functions of libsystemd at their versions, those that the files define or those that they want.
symbols() {
    which=$1
    shift
    # A file of another kind has no dynamic symbols, which is an error for nm.
    nm --dynamic --with-symbol-versions "--$which-only" "$@" 2>/dev/null | grep -o 'sd_[a-z0-9_]*@@*LIBSYSTEMD_[0-9]*' |
        sed 's/@@*/@/' | sort -u
}

# The names of all that depends on libsystemd0, but for libsystemd's own.
dependent() {
    apt-cache dumpavail | awk -v max="$SIZE_MAX" '
        /^Package: / { name = $2 }
        /^Source: / { source = $2 }
        /^Size: / { size = $2 }
        /^(Pre-)?Depends: .*libsystemd0/ { depends = 1 }
        /^$/ { if (depends && size < max && (source == "" ? name : source) != "systemd") print name; depends = 0; source = "" }' | sort -u
}

apt-cache show libsystemd0 >/dev/null 2>&1 || apt-get update --quiet
packages=$(dependent)
echo "$(echo "$packages" | wc -l) packages depend on libsystemd0 and have less than $SIZE_MAX bytes."

symbols defined "$library" >"$target/ours"
[ -s "$target/ours" ] || fail "$library has no functions at libsystemd's versions"

# All at once: most of the time of each call is apt's own.
rm -rf "$target/archives"
mkdir -p "$target/archives"
wanted=$(for package in $packages; do [ -e "$target/symbols/$package" ] || echo "$package"; done)
if [ -n "$wanted" ]; then
    echo "Downloading $(echo "$wanted" | wc -l) of them ..."
    # As another user, apt could not write here.
    # shellcheck disable=SC2086 # a list
    (cd "$target/archives" && apt-get -q -o APT::Sandbox::User=root download $wanted) ||
        fail 'they cannot be downloaded; try apt-get update'
fi
for archive in "$target"/archives/*.deb; do
    [ -e "$archive" ] || continue
    package=$(basename "$archive" | sed 's/_.*//')
    dpkg-deb --extract "$archive" "$target/unpacked"
    find "$target/unpacked" -type f -exec sh -c 'head -c 4 "$1" | grep -q ELF' sh {} \; -print >"$target/programs"
    while read -r program; do symbols undefined "$program"; done <"$target/programs" | sort -u >"$target/found"
    mv "$target/found" "$target/symbols/$package"
    rm -rf "$target/unpacked" "$archive"
done

# name, and what it does not find; packages that depend on libsystemd0 and call nothing in it do not count.
for package in $packages; do
    [ -s "$target/symbols/$package" ] || continue
    echo "$package $(comm -23 "$target/symbols/$package" "$target/ours" | sed 's/@.*//' | tr '\n' ' ')"
done >"$target/found"

# What a function is missing for, by its name.
awk -v written="$target/table" '
    function kind(name) {
        if (name ~ /^sd_(bus|varlink|json)/) return "sd-bus"
        if (name ~ /^sd_event/) return "sd-event"
        if (name ~ /^sd_journal/) return "reading the journal"
        if (name ~ /^sd_(device|hwdb)/) return "sd-device, sd-hwdb"
        return name
    }
    NF == 1 { whole++; next }
    {
        missing = ""
        split("", seen)
        for (i = 2; i <= NF; i++) if (!seen[kind($i)]++) missing = missing (missing == "" ? "" : ", ") kind($i)
        names[missing] = names[missing] (names[missing] == "" ? "" : ", ") $1
        if (count[missing]++ == 0) order[++kinds] = missing
    }
    END {
        printf "%d of %d packages find every function that they use.\n\n", whole, NR >written
        print "| what the others miss | packages | |\n| --- | ---: | --- |" >written
        for (i = 1; i <= kinds; i++) printf "| %s | %d | %s |\n", order[i], count[order[i]], names[order[i]] >written
        print whole, NR
    }' "$target/found" >"$target/count"
cat "$target/table"

read -r whole all <"$target/count"
[ "$whole" -ge "$AT_LEAST" ] || fail "$whole of $all packages find everything; $AT_LEAST are to"
begin='<!-- Written by make check-packages. -->'
end='<!-- End of what make check-packages writes. -->'
grep -qxF "$begin" $table || fail "$table does not say where the table is to be"
awk -v begin="$begin" -v end="$end" -v written="$target/table" '
    $0 == end { skip = 0 }
    !skip
    $0 == begin { skip = 1; while ((getline line <written) > 0) print line }' $table >"$target/document"
cat "$target/document" >$table
