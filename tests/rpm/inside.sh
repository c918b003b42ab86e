# The part of check.sh that runs in the root directory of Debian 13.
set -eu
unset CARGO_TARGET_DIR CARGO_NET_OFFLINE CARGO_PROFILE_TEST_DEBUG
# The crates are those of the archive.
export CARGO_HOME=/tmp/cargo

step() {
    printf '\n== %s\n' "$1"
}

step "$(rpmbuild --version), $(rustc --version), without network"
mkdir -p /tmp/rpm/SOURCES
cp /dist/libsdlite-*.tar.xz /tmp/rpm/SOURCES
# What it asks for is installed, but dpkg knows it, and not rpm.
unshare --net rpmbuild -bb --nodeps --define '_topdir /tmp/rpm' packaging/libsdlite.spec >/tmp/log 2>&1 </dev/null || {
    cat /tmp/log
    exit 1
}
cd /tmp/rpm/RPMS/*/
for package in *.rpm; do
    echo "$package: $(stat -c %s "$package") bytes"
    rpm -qp --requires "$package" | grep -v '^rpmlib' | sort -u | tr '\n' ' ' | sed 's/^/  requires: /; s/$/\n/'
    rpm -qp --list "$package" | sed 's/^/  /'
done

step "$(rpmlint --version)"
rpmlint -r /sdlite-source/tests/rpm/rpmlintrc ./*.rpm /sdlite-source/packaging/libsdlite.spec

step 'Installed, and removed'
root=/tmp/installed
rpm --root "$root" --initdb
rpm --root "$root" -i --nodeps ./*.rpm
rpm --root "$root" -V -a --nodeps
mkdir -p "$root/proc"
"$root/usr/bin/sd-activate" --version
rpm --root "$root" -e libsdlite libsdlite-devel sd-activate sd-tools --nodeps
left=$(find "$root/usr" -name '*sdlite*' -o -name 'sd-*' -o -name sdctl)
[ -z "$left" ] || {
    echo "Left: $left"
    exit 1
}

step 'Everything passed.'
