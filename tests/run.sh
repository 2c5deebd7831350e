#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs all tests: installs what is missing, builds, runs every suite. As root nothing is skipped.
#
#   sudo sh tests/run.sh [--sanitize] [--strict]
#
#   --sanitize   build with the address and undefined-behaviour sanitizers
#   --strict     warnings are errors, and a skipped test is a failure (CI does so)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
. "$here/lib.sh"

build=$source/build
options="-Dbuildtype=debugoptimized -Dwerror=false"
skips=
limits=
for argument in "$@"; do
        case $argument in
        --sanitize)
                build=$source/build-sanitize
                options="$options -Db_sanitize=address,undefined -Db_lundef=false"
                # A report is a failure, wherever it is printed.
                # Little that was freed is held back: tests measure what the daemons take.
                export ASAN_OPTIONS="abort_on_error=1:detect_stack_use_after_return=1:quarantine_size_mb=16"
                export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
                limits="--timeout-multiplier 12"
                ;;
        --strict)
                options="$options -Dwerror=true"
                skips=--no-skips
                ;;
        *)
                die "unknown argument '$argument'"
                ;;
        esac
done

install_packages "$here/packages-demo.txt" "$here/packages.txt"
fetch_programs prometheus usr/bin/promtool usr/bin/prometheus
fetch_programs prometheus-node-exporter usr/bin/prometheus-node-exporter
say "building in ${build#"$source"/}"
# shellcheck disable=SC2086
configure "$build" $options
ninja -C "$build" >"$build/ninja.log" 2>&1 || {
        cat "$build/ninja.log"
        die "the build failed"
}

say "testing"
status=0
# shellcheck disable=SC2086
meson test -C "$build" --no-rebuild --print-errorlogs $limits || status=$?
python3 "$here/count.py" $skips "$build/meson-logs/testlog.json" || status=1
exit "$status"
