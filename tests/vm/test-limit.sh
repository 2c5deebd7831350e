#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test-limit.sh LIMIT.PY: what is kept from running is not ended for it, and what takes too long is.
set -eu

fail() {
        echo "FAIL: $*" >&2
        exit 1
}

others=
finish() {
        status=$?
        trap - EXIT
        # shellcheck disable=SC2086 # words
        [ -z "$others" ] || kill $others 2>/dev/null || :
        exit "$status"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

ended() {
        code=0
        "$@" || code=$?
}

# It needs a processor for a fraction of a second, and has a small part of one that three others want as well.
processor=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')
for _ in 1 2 3; do
        taskset -c "$processor" sh -c 'while :; do :; done' &
        others="$others $!"
done
begun=$(date +%s)
ended python3 -B "$1" 2 taskset -c "$processor" nice -n 19 sh -c 'i=0; while [ $i -lt 25000 ]; do i=$((i + 1)); done; exit 3'
[ "$code" = 3 ] || fail "ended with $code after $(($(date +%s) - begun)) s, in which others had the processor"
echo "it took $(($(date +%s) - begun)) s"
# shellcheck disable=SC2086 # words
kill $others
others=

ended python3 -B "$1" 1 sleep 600 2>/dev/null
[ "$code" = 124 ] || fail "one that sleeps ended with $code"
ended python3 -B "$1" 1 sh -c 'while :; do :; done' 2>/dev/null
[ "$code" = 124 ] || fail "one that is busy ended with $code"
ended python3 -B "$1" 60 sh -c 'kill -KILL $$'
[ "$code" = 137 ] || fail "one that was killed ended with $code"
