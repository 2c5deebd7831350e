# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by the tests of what is installed: a full installation of the build in $root, removed at the end.
# From Meson: MESON, BUILD_ROOT, SOURCE_ROOT, UNIT_DIR, DBUS_DIR, PREFIX.

skip() {
        echo "SKIP: $*" >&2
        exit 77
}

fail() {
        echo "FAIL: $*" >&2
        exit 1
}

# need TOOL WHAT-IS-MISSED-WITHOUT
need() {
        command -v "$1" >/dev/null || skip "$1 is missing, so $2"
}

# A command that may take long only when it hangs.
limited() {
        timeout 600 "$@"
}

at_exit() {
        status=$?
        trap - EXIT
        for pid in $child $peer; do
                kill "$pid" 2>/dev/null || :
        done
        rm -rf "$scratch"
        exit "$status"
}

scratch=$(mktemp -d)
child=
peer=
trap at_exit EXIT
trap 'exit 1' HUP INT TERM
root=$scratch/root

# Meson's test runner has built everything already; ninja must not run a second time inside it.
install_tree() {
        "$MESON" install -C "$BUILD_ROOT" --no-rebuild --quiet --destdir "$root" >"$scratch/install.log" 2>&1 || {
                cat "$scratch/install.log" >&2
                fail "meson install"
        }
}
