#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds the Debian package from a copy of the source as it is in this checkout.
#
#   sh .debian/build.sh [OUTDIR]      OUTDIR: build-deb, beside meson.build, if it is not given
set -eu

here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
. "$source/tests/lib.sh"

[ $# -le 1 ] || die "at most one argument, the folder for the packages"
mkdir -p "${1:-$source/build-deb}"
out=$(cd "${1:-$source/build-deb}" && pwd)

as_root() {
        [ "$(id -u)" = 0 ] || die "run as root, or install: $1"
}

apt() {
        DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends "$@" >"$scratch/apt.log" 2>&1 || {
                cat "$scratch/apt.log" >&2
                die "apt-get $1 failed"
        }
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# The files that git knows or would take; without git all but what builds leave behind.
tree=$scratch/peios-registry
mkdir "$tree"
cd "$source"
if [ -e .git ] && command -v git >/dev/null; then
        git -c safe.directory="$source" ls-files -z --cached --others --exclude-standard |
                xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' files |
                tar -c --null -T - | tar -x -C "$tree"
else
        tar -c --exclude=./.git --exclude='./build*' --exclude=./.cache . | tar -x -C "$tree"
fi
mv "$tree/.debian" "$tree/debian"
cd "$tree"

if ! command -v dpkg-checkbuilddeps >/dev/null; then
        as_root dpkg-dev
        apt update
        apt install dpkg-dev
fi
if ! missing=$(dpkg-checkbuilddeps 2>&1); then
        as_root "${missing##*: }"
        say "installing ${missing##*: }"
        apt update
        apt build-dep "$tree"
fi

say "building the package"
dpkg-buildpackage -us -uc -b >"$scratch/build.log" 2>&1 || {
        cat "$scratch/build.log" >&2
        die "dpkg-buildpackage failed"
}
cp "$scratch"/*.deb "$scratch"/*.buildinfo "$scratch"/*.changes "$out"
ls "$out"/*.deb
