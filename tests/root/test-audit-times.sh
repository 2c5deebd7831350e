#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The policy changes three times while auditing is off. What happened when, and in which order, is then told by ausearch
# alone. An auditd with a log of its own runs meanwhile, and auditing is put back as it was.
set -eu

. "${0%/*}/../lib.sh"

skip() {
        echo "SKIP: $*, so no timeline was seen" >&2
        exit 77
}

[ "$(id -u)" = 0 ] || skip "not root"
for program in auditd auditctl ausearch dbus-daemon flock; do
        command -v "$program" >/dev/null || skip "there is no $program"
done
exec 9>/run/lock/peios-audit-test.lock
flock 9
status=$(auditctl -s 2>/dev/null) || skip "the kernel has no audit, or this process may not ask it"
kernel_has() {
        auditctl -s | grep -q -x "$1"
}
kernel_has "pid 0" || skip "an audit daemon runs"
before=$(echo "$status" | sed -n 's/^enabled //p')
[ "$before" -le 1 ] || skip "the audit configuration is locked"

root=$(mktemp -d /tmp/peios-times.XXXXXX)
pids=
cleanup() {
        status=$?
        trap - EXIT INT TERM
        # shellcheck disable=SC2086
        end_processes $pids
        auditctl -e "$before" >/dev/null || status=1
        [ "$status" = 0 ] || cat "$root"/*.log "$root"/timeline 2>/dev/null || :
        rm -rf "$root"
        exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

mkdir -p "$root/audit/conf" "$root/proc/sys/kernel" "$root/etc/peios/registry.d"
echo 3 >"$root/proc/sys/kernel/audit_taint_events"
echo 0 >"$root/proc/sys/kernel/tainted"
cat >"$root/audit/conf/auditd.conf" <<EOF
log_file = $root/audit/audit.log
log_format = RAW
log_group = root
flush = NONE
write_logs = yes
local_events = yes
plugin_dir = $root/audit/conf
space_left = 3
admin_space_left = 2
space_left_action = IGNORE
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
EOF
chmod 640 "$root/audit/conf/auditd.conf"
write_bus_config "$root"
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$root/bus"

auditd -n -s enable -c "$root/audit/conf" >"$root/auditd.log" 2>&1 9>&- &
pids="$pids $!"
wait_for kernel_has "pid $!"
wait_for kernel_has "enabled 1"
dbus-daemon --config-file="$root/bus.conf" --nofork >"$root/bus.log" 2>&1 9>&- &
pids="$pids $!"
wait_for test -S "$root/bus"
"$REGISTRYD" --root="$root" >"$root/registryd.log" 2>&1 9>&- &
pids="$pids $!"
"$POLICYD" --root="$root" --no-bpf >"$root/policyd.log" 2>&1 9>&- &
policyd=$!
pids="$pids $policyd"
wait_for grep -q 'following the registry' "$root/policyd.log"

# A line for each change: the value, and between which moments it came into force.
change() {
        began=$(date +%s.%N)
        "$AUDITPOL" set "$1" >/dev/null
        echo "$1 $began $(date +%s.%N)" >>"$root/changes"
}
# Others may send records meanwhile, too.
arrived() {
        ausearch --raw -m USYS_CONFIG -p "$policyd" -if "$root/audit/audit.log" |
                grep 'op=changed-taint-audit-policy ' >"$root/timeline" && [ "$(wc -l <"$root/timeline")" = "$1" ]
}
kept() {
        "$AUDITPOL" --json status | grep -q "\"audit_kept\": *$1\\b"
}

change success-only
wait_for arrived 1
auditctl -e 0 >/dev/null
change failure-only
sleep 1.3
change enabled
sleep 2.4
change disabled
wait_for kept 3
sleep 1.2
auditctl -e 1 >/dev/null
# The next one opens the way, and does not pass those that were kept.
change enabled
wait_for arrived 5

boot=$(cut -c1-8 /proc/sys/kernel/random/boot_id)
awk -v boot="$boot" '
        function wrong(what) {
                print "line " FNR ": " what ": " $0
                failed = 1
        }
        FNR == NR {
                n++
                value[n] = $1
                from[n] = $2
                to[n] = $3
                next
        }
        {
                delete field
                for (i = 1; i <= NF; i++)
                        if (split($i, part, "=") == 2)
                                field[part[1]] = part[2]
                match($0, /audit\([0-9.]*/)
                taken = substr($0, RSTART + 6, RLENGTH - 6)
                waited = taken - field["when"]
                if (field["new"] != value[FNR])
                        wrong("expected new=" value[FNR])
                if (field["when"] !~ /^[0-9]+\.[0-9][0-9][0-9][0-9][0-9][0-9]$/)
                        wrong("when= is not seconds.microseconds")
                if (field["when"] + 0.001 < from[FNR] || field["when"] > to[FNR] + 0.001)
                        wrong("expected when= between " from[FNR] " and " to[FNR])
                if (field["boot"] != boot)
                        wrong("expected boot=" boot)
                if (FNR >= 2 && FNR <= 4 && !("late" in field))
                        wrong("expected late=")
                if ("late" in field ? waited < field["late"] - 0.01 || waited > field["late"] + 3 : waited > 3)
                        wrong("it waited for " waited " s")
                if (FNR > 1 && field["seqno"] != seqno + 1)
                        wrong("expected seqno=" seqno + 1)
                seqno = field["seqno"]
                if (FNR > 1 && field["when"] < last)
                        wrong("it happened before the one before it")
                last = field["when"]
        }
        END { exit failed }
' "$root/changes" "$root/timeline" || die "that is not what happened"
