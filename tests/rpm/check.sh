#!/bin/sh
# What `make check-rpm` does: builds RPM packages from the source archive of `make dist`, by the rpmbuild that Debian 13 packages and
# without network, in a root directory of Debian 13; has rpmlint read them, and installs and removes them there in a database of
# their own. Needs root, and Debian, whose packages it downloads.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$top/tests/debian13/root.sh"

make_root
add build-essential cargo rpm rpmlint rustc
bring_archive
inside sh tests/rpm/inside.sh
