#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Both daemons as in a container: their root is nobody outside, with mounts, processes and a procfs of their own. They say
# once what they cannot do there, and do the rest.
# From Meson: REGISTRYD, POLICYD, REG, AUDITPOL, SOURCE_ROOT.
set -eu

skip() {
        echo "SKIP: $*" >&2
        exit 77
}

# The machine's root would stay the owner of the machine's controls.
drop=
[ "$(id -u)" != 0 ] || drop="setpriv --reuid=65534 --regid=65534 --clear-groups"
contain() {
        # shellcheck disable=SC2086 # words
        timeout 600 $drop unshare --user --map-root-user --net --mount --pid --fork --kill-child --mount-proc "$@"
}

command -v dbus-daemon >/dev/null || skip "dbus-daemon is missing, so nothing was run in a container"
contain true || skip "there are no user namespaces here, so nothing was run in a container"

# The checkout and the build may lie where nobody but their owner comes, and the daemons' root is nobody.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$scratch"
install -d -m 0755 "$scratch/policies"
install "$REGISTRYD" "$POLICYD" "$REG" "$AUDITPOL" "$(dirname "$0")/container-inside.sh" "$scratch"
install -m 0644 "$SOURCE_ROOT"/registry-provider/units/*.conf "$SOURCE_ROOT"/service/units/*.conf "$scratch/policies"
install -m 0644 "$SOURCE_ROOT/tests/unit/install/bus.conf" "$scratch"
for program in REGISTRYD POLICYD REG AUDITPOL; do
        eval "export $program=\$scratch/\${$program##*/}"
done
contain sh "$scratch/container-inside.sh" "$scratch"
