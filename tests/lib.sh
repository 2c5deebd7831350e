# SPDX-License-Identifier: LGPL-2.1-or-later
# Shared by the scripts of this folder; sourced, not run.

say() {
        printf '%s\n' "== $*"
}

die() {
        printf '%s: %s\n' "${0##*/}" "$*" >&2
        exit 1
}

# wait_for COMMAND…: until it succeeds, two minutes at most.
wait_for() {
        deadline=$(($(date +%s) + 120))
        until "$@" >/dev/null 2>&1; do
                [ "$(date +%s)" -lt "$deadline" ] || die "waited in vain for: $*"
                sleep 0.1
        done
}

# end_processes PID…: those in the background that are still there.
end_processes() {
        for pid in "$@"; do
                kill "$pid" 2>/dev/null || :
        done
        for pid in "$@"; do
                wait "$pid" 2>/dev/null || :
        done
}

# write_bus_config FOLDER: FOLDER/bus.conf, of a private bus on which everybody may do everything, at FOLDER/bus.
write_bus_config() {
        cat >"$1/bus.conf" <<EOF
<busconfig>
  <type>system</type>
  <listen>unix:path=$1/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
EOF
}

# install_packages LIST…: what they name and the machine lacks. Without root it says what is missing.
install_packages() {
        wanted=$(sed -e 's/#.*//' "$@")
        missing=
        for package in $wanted; do
                dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
                        missing="$missing $package"
        done
        [ -n "$missing" ] || return 0
        [ "$(id -u)" = 0 ] || die "these packages are missing; run as root, or install them:$missing"
        say "installing$missing"
        apt-get -q update >/dev/null || say "apt-get update failed; trying with the lists that are here"
        # Wanted are programs: no service of theirs is started.
        no_services=
        if [ ! -e /usr/sbin/policy-rc.d ]; then
                printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
                chmod 755 /usr/sbin/policy-rc.d
                no_services=/usr/sbin/policy-rc.d
        fi
        failed=
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing >/dev/null ||
                failed=1
        [ -z "$no_services" ] || rm -f "$no_services"
        [ -z "$failed" ] || die "apt-get could not install:$missing"
}

# fetch_programs PACKAGE FILE…: programs of a package whose service nobody wants here, into build-tools/ of the checkout.
# Where they cannot be had, the tests that need them say so.
fetch_programs() {
        package=$1
        shift
        missing=
        for file in "$@"; do
                [ -x "$source/build-tools/${file##*/}" ] || missing="$missing $file"
        done
        [ -n "$missing" ] || return 0
        say "fetching$missing of $package"
        fetch=$(mktemp -d)
        # shellcheck disable=SC2086 # words
        (cd "$fetch" && apt-get -q -o APT::Sandbox::User=root download "$package" >/dev/null && dpkg-deb -x ./*.deb . &&
                mkdir -p "$source/build-tools" && cp $missing "$source/build-tools") || say "$package cannot be had"
        rm -rf "$fetch"
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
