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
        timeout 60 $drop unshare --user --map-root-user --net --mount --pid --fork --kill-child --mount-proc "$@"
}

command -v dbus-daemon >/dev/null || skip "dbus-daemon is missing, so nothing was run in a container"
contain true || skip "there are no user namespaces here, so nothing was run in a container"
contain sh "$(dirname "$0")/container-inside.sh"
