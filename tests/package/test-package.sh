#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Debian package: lintian has nothing to say, it holds what `meson install` installs, and it is installed, upgraded over
# itself and purged without a trace on a copy of this machine's file system.
set -eu
# shellcheck source=../unit/install/install.sh
. "$INSTALL_SH"
for tool in dpkg-buildpackage dh lintian; do
        need $tool "the package was not built"
done

# The folder of the build is in nothing that is packaged, so that everybody who builds it gets the same bytes.
mkdir "$scratch/tmp"
TMPDIR=$scratch/tmp sh "$SOURCE_ROOT/.debian/build.sh" "$scratch/out" >"$scratch/log" 2>&1 || {
        cat "$scratch/log" >&2
        fail "build.sh"
}
deb=$(echo "$scratch"/out/peios-registry_*.deb)
[ "$(dpkg-deb -f "$deb" Version)" = "$VERSION" ] || fail "debian/changelog and meson.build name different versions"

lintian --allow-root -I --pedantic "$scratch"/out/*.changes >"$scratch/lintian" 2>&1 || :
! grep . "$scratch/lintian" >&2 || fail "lintian has something to say"

dpkg-deb -x "$deb" "$scratch/deb"
! grep -rF "$scratch" "$scratch/deb" >&2 || fail "the package names the folder in which it was built"
install_tree
# Mode and name of each file and each empty folder.
listing() {
        (cd "$1" && find . \( ! -type d -o -empty \) -printf '%m %p\n') | sed -e "s|\\.$PREFIX/|./usr/|" \
                -e 's|\(/man/.*\)\.gz$|\1|' -e '/share\/doc\/peios-registry\//d' -e '/share\/lintian\//d' | sort
}
# Debian's zsh looks for completions in a folder of its own.
listing "$root" | sed -e 's|/zsh/site-functions/|/zsh/vendor-completions/|' | sort >"$scratch/want"
listing "$scratch/deb" >"$scratch/have"
diff "$scratch/want" "$scratch/have" || fail "the package does not hold what is installed"

[ "$(id -u)" = 0 ] || skip "installing needs root, so the package was not installed, upgraded and purged"
unshare --mount --propagation private sh "$(dirname "$0")/install-cycle.sh" "$deb"
