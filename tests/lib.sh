# SPDX-License-Identifier: LGPL-2.1-or-later
# Shared by the scripts of this folder; sourced, not run.

say() {
        printf '%s\n' "== $*"
}

die() {
        printf '%s: %s\n' "${0##*/}" "$*" >&2
        exit 1
}

# Installs what packages.txt names and the machine lacks. Without root it says what is missing.
install_packages() {
        wanted=$(sed -e 's/#.*//' "$1")
        missing=
        for package in $wanted; do
                dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
                        missing="$missing $package"
        done
        [ -n "$missing" ] || return 0
        [ "$(id -u)" = 0 ] || die "these packages are missing; run as root, or install them:$missing"
        say "installing$missing"
        apt-get -q update >/dev/null || say "apt-get update failed; trying with the lists that are here"
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing >/dev/null ||
                die "apt-get could not install:$missing"
}

# configure BUILD OPTION…: a build folder made or brought up to date.
configure() {
        build=$1
        shift
        if [ -f "$build/build.ninja" ]; then
                meson setup --reconfigure "$build" "$source" "$@" >/dev/null
        else
                rm -rf "$build"
                meson setup "$build" "$source" "$@" >/dev/null
        fi || die "meson setup failed; see $build/meson-logs/meson-log.txt"
}
