#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Shows the main job on a scratch root: a registry value is set, the kernel's control follows, the change is audited.
#
#   sudo sh tests/demo.sh
#
# Installs what building and showing need and the machine lacks, builds, starts a private bus and both daemons, and cleans
# up after itself. Nothing of the running system is touched, but that kernel auditing is enabled for the time of the
# demonstration.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
. "$here/lib.sh"

# PEIOS_BUILD: what was built already, there.
if [ -n "${PEIOS_BUILD:-}" ]; then
        build=$PEIOS_BUILD
else
        install_packages "$here/packages-demo.txt"
        build=$source/build
        say "building in build"
        configure "$build" -Dbuildtype=debugoptimized
        ninja -C "$build" >"$build/ninja.log" 2>&1 || {
                cat "$build/ninja.log"
                die "the build failed"
        }
fi

reg=$build/registry-provider/reg/peios-reg
registryd=$build/registry-provider/daemon/peios-registryd
auditpol=$build/service/auditpol/peios-auditpol
policyd=$build/service/daemon/peios-audit-policyd
listen=$build/tests/audit-listen

root=$(mktemp -d /tmp/peios-demo.XXXXXX)
pids=
cleanup() {
        status=$?
        trap - EXIT INT TERM
        # shellcheck disable=SC2086
        end_processes $pids
        [ "$status" = 0 ] || cat "$root"/*.log 2>/dev/null || :
        rm -rf "$root"
        exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# A scratch root: the control is a file here, and so is everything that the daemons read and write.
control=$root/proc/sys/kernel/audit_taint_events
mkdir -p "$root/proc/sys/kernel" "$root/etc/peios/registry.d"
echo 3 >"$control"
echo 32768 >"$root/proc/sys/kernel/pid_max"
echo 0 >"$root/proc/sys/kernel/tainted"

write_bus_config "$root"
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$root/bus"

property() {
        busctl --system --timeout=20 get-property org.peios.AuditPolicy1 /org/peios/AuditPolicy1 org.peios.AuditPolicy1 "$1"
}

dbus-daemon --config-file="$root/bus.conf" --nofork >"$root/bus.log" 2>&1 &
pids="$pids $!"
wait_for test -S "$root/bus"

# The kernel's own records, where it has auditing; else what the daemons say of them.
records=$root/records.log
if [ "$(id -u)" = 0 ] && [ -x "$listen" ]; then
        "$listen" >"$records" 2>&1 &
        listener=$!
        sleep 0.3
        if kill -0 "$listener" 2>/dev/null; then
                pids="$pids $listener"
        else
                records=
        fi
else
        records=
fi
label=record:
if [ -z "$records" ]; then
        say "the kernel's audit records are not available here: the service's log is shown in their place"
        records=$root/policyd.log
        label=log:
fi
seen=0
show_records() {
        wanted=$1
        wait_for sh -c "tail -n +$((seen + 1)) '$records' | grep -q -e '$wanted'"
        tail -n +$((seen + 1)) "$records" | grep -e "op=" -e "$wanted" | sed "s/^/    $label   /"
        seen=$(wc -l <"$records")
}

"$registryd" --root="$root" >"$root/registryd.log" 2>&1 &
pids="$pids $!"
"$policyd" --root="$root" --recheck=5 >"$root/policyd.log" 2>&1 &
policyd_pid=$!
pids="$pids $policyd_pid"
wait_for property TaintEvents
wait_for grep -q 'following the registry' "$root/policyd.log"

show() {
        printf '    property: TaintEvents %s, Live %s\n' "$(property TaintEvents)" "$(property Live)"
        printf '    control:  %s\n' "$(cat "$control")"
}

expect() {
        wait_for grep -q -x "$1" "$control"
        show
}

say "nothing is written: the default is in force from the first moment"
expect 3

for pair in disabled:0 success-only:1 failure-only:2 enabled:3; do
        value=${pair%:*}
        say "peios-reg set '\\System\\Audit\\Modules' TaintEvents $value"
        "$reg" set '\System\Audit\Modules' TaintEvents "$value" | sed 's/^/    /'
        expect "${pair#*:}"
        show_records "$value"
done

say "a value that is none of the four is not written; forced, it is stored, but refused: what was in force stays"
"$reg" set '\System\Audit\Modules' TaintEvents loud 2>&1 | sed 's/^/    /'
"$reg" set --force '\System\Audit\Modules' TaintEvents loud 2>&1 | sed 's/^/    /'
show_records loud
expect 3
"$auditpol" explain | sed 's/^/    /'

say "why: every layer, and who wins"
"$reg" why '\System\Audit\Modules' TaintEvents | sed 's/^/    /'

say "somebody else writes 0 to the control: noticed, recorded, put back"
# In place, as a sysctl is written: a file would be empty in between.
echo 0 1<>"$control"
# A word of both, the kernel's record and what the daemon says where there is none.
show_records put-back
expect 3

say "a good value again"
"$reg" set '\System\Audit\Modules\TaintEvents' enabled | sed 's/^/    /'
expect 3

say "a drop-in file, as a package or an administrator would add it"
cat >"$root/etc/peios/registry.d/50-site.yaml" <<'EOF'
peios-registry: 1
layer: 50-site
precedence: 10
keys:
  \System\Audit\Modules:
    TaintEvents: !sz success-only
EOF
sed 's/^/    /' "$root/etc/peios/registry.d/50-site.yaml"
expect 1
show_records success-only

say "at boot, without bus or daemon: peios-audit-policyd --apply"
rm "$root/etc/peios/registry.d/50-site.yaml"
expect 3
kill "$policyd_pid"
wait "$policyd_pid" || :
echo 0 >"$control"
echo "    control:  $(cat "$control"), and the service is stopped"
"$policyd" --apply --verbose --root="$root" | sed 's/^/    /'
wait_for grep -q -x 3 "$control"
echo "    control:  $(cat "$control")"

say "done: every step was as expected"
