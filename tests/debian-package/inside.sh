# The part of check.sh that runs in the root directory of Debian 13.
set -eu
# As on a machine that builds packages.
unset CARGO_TARGET_DIR CARGO_NET_OFFLINE CARGO_PROFILE_TEST_DEBUG

step() {
    printf '\n== %s\n' "$1"
}

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# logged COMMAND: shows what a long command says only where it fails.
logged() {
    "$@" >/tmp/log 2>&1 </dev/null || {
        cat /tmp/log
        fail "$*"
    }
}

# is WHAT EXPECTED COMMAND...: that the command prints this.
is() {
    what=$1 expected=$2
    shift 2
    printed=$("$@" 2>&1) || true
    [ "$printed" = "$expected" ] || fail "$what: \"$printed\", not \"$expected\""
    echo "$what: $expected"
}

libdir=/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
set -- /dist/libsdlite-*.tar.xz
archive=$1
version=${archive#/dist/libsdlite-}
version=${version%.tar.xz}
packages='libsdlite0 libsdlite-dev sd-activate sd-tools'
cd /tmp
cp "$archive" "libsdlite_$version.orig.tar.xz"
tar -xf "$archive"
cd "libsdlite-$version"

step "dpkg-buildpackage, with $(rustc --version) and without network"
logged unshare --net dpkg-buildpackage -us -uc
for package in $packages; do
    dpkg-deb -f "../${package}_$version"-1_*.deb Package Version Architecture Installed-Size Depends
    stat -c ' %s bytes' "../${package}_$version"-1_*.deb
done

step "$(lintian --version)"
lintian --fail-on error --allow-root --tag-display-limit 0 ../*.changes

step 'Installed'
mkdir ../older
sed -i "1s/($version-1)/(0.0.9-1)/" debian/changelog
# From what is built: only the packages are made anew.
logged unshare --net env DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -us -uc -b -nc
mv ../*_0.0.9-1_* ../older
# shellcheck disable=SC2086 # a list
logged dpkg -i $(printf "../older/%s_0.0.9-1_*.deb " $packages)
for package in $packages; do
    is "$package" 'install ok installed 0.0.9-1' dpkg-query -W -f '${Status} ${Version}' "$package"
done
cat >/tmp/passed.c <<'EOF'
#include <stdio.h>
#include <systemd/sd-daemon.h>
int main(void) {
        printf("%d passed\n", sd_listen_fds(0));
}
EOF
cc -o /tmp/passed /tmp/passed.c $(pkg-config --cflags --libs sdlite)
cc -o /tmp/passed-drop-in /tmp/passed.c $(PKG_CONFIG_PATH=$libdir/sdlite/pkgconfig pkg-config --cflags --libs libsystemd)

step 'Upgraded'
# shellcheck disable=SC2086 # a list
logged dpkg -i $(printf "../%s_$version-1_*.deb " $packages)
for package in $packages; do
    is "$package" "install ok installed $version-1" dpkg-query -W -f '${Status} ${Version}' "$package"
done
# Of the older packages nothing is left, and the programs that were linked with theirs run.
is 'Libraries' "$libdir/libsdlite.so.$version" find "$libdir" -name 'libsdlite.so.*' -type f
for program in passed passed-drop-in; do
    is "$program" '1 passed' env LISTEN_FDS=1 sh -c 'LISTEN_PID=$$ exec "/tmp/$0" 3</dev/null' "$program"
done
is 'sd-activate --version' "sd-activate $version" sd-activate --version
dpkg --verify $packages || fail 'other files than those of the packages'

# answers: that rpcbind is activated by its first request, and answers it at the socket that was passed to it.
answers() {
    unshare --net sd-activate -l /run/rpcbind.sock /tmp/rebuilt/usr/sbin/rpcbind -f 2>/tmp/log &
    activator=$!
    for _ in $(seq 100); do
        [ -S /run/rpcbind.sock ] && break
        sleep 0.1
    done
    timeout 10 /tmp/rebuilt/usr/bin/rpcinfo | awk '$1 == 100000 && $2 == 4 && $3 == "local" { print $4 }'
    kill "$activator"
    wait "$activator" || true
}

step 'rpcbind, which Debian links with libsystemd, rebuilt with the library'
mkdir /tmp/rpcbind
cd /tmp/rpcbind
logged apt-get source -q rpcbind
cd rpcbind-*/
logged env PKG_CONFIG_PATH="$libdir/sdlite/pkgconfig" dpkg-buildpackage -us -uc -b
depends=$(dpkg-deb -f ../rpcbind_*.deb Depends)
echo "Depends: $depends"
case $depends in
*libsystemd0*) fail 'it depends on libsystemd0' ;;
*"libsdlite0 (>= 0.1.0)"*) ;;
*) fail 'it does not depend on libsdlite0' ;;
esac
dpkg-deb -x ../rpcbind_*.deb /tmp/rebuilt
# Whom it becomes.
id _rpc >/dev/null 2>&1 || useradd --system --no-create-home --home-dir /run/rpcbind _rpc
is 'rpcbind, activated' /run/rpcbind.sock answers

step 'Removed'
# shellcheck disable=SC2086 # a list
logged dpkg --purge $packages
is 'Left' '' find /etc /usr /var -name '*sdlite*' -o -name '*sd-activate*' -o -name '*sdctl*' -o -name '*sd-cat*' -o -name '*sd-notify*' -o \
    -name '*sd-proxy*'
if /tmp/passed 2>/dev/null; then
    fail 'a program runs without its library'
fi

step 'Everything passed.'
