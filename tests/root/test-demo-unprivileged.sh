#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The demonstration where records cannot be had from the kernel: what the daemons say of them takes their place.
set -eu

drop=
[ "$(id -u)" != 0 ] || drop="setpriv --bounding-set=-audit_control,-audit_read,-audit_write"
# shellcheck disable=SC2086 # words
shown=$($drop sh "$(dirname "$0")/../demo.sh") || {
        echo "$shown"
        exit 1
}
for line in "audit records are not available" "log: .* changed from 'enabled' to 'disabled'" "done:"; do
        echo "$shown" | grep -q "$line" || {
                echo "$shown"
                echo "FAIL: it does not say: $line"
                exit 1
        }
done
