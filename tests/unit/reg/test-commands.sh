#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test-commands.sh PROGRAM: each command that --help lists begins, with as many words as it takes, and ends by itself. There is
# no bus, so none comes far.
set -u
program=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$scratch/none"
"$program" --help | sed -n '/^Commands:$/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' | sort -u >"$scratch/commands"
[ "$(grep -c . "$scratch/commands")" -ge 11 ] || {
        echo "FAIL: --help lists few commands" >&2
        exit 1
}
code=0
while read -r command; do
        begun=
        set --
        words='key /A x y'
        # It takes none, and must not come near the machine's own database.
        [ "$command" != repair ] || words="--root=$scratch"
        for word in $words; do
                set -- "$@" "$word"
                timeout 60 "$program" "$command" "$@" </dev/null >"$scratch/said" 2>&1
                status=$?
                if [ "$status" -ge 124 ]; then
                        echo "FAIL: $command $*: ended with status $status" >&2
                        code=1
                fi
                # A usage error of the words is found before the command begins.
                grep -qE 'too few words|one word too many' "$scratch/said" || begun=1
        done
        if [ ! "$begun" ]; then
                echo "FAIL: $command takes neither one word nor up to four" >&2
                code=1
        fi
done <"$scratch/commands"
exit "$code"
