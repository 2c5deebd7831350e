#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The inner half of test-container.sh: container-inside.sh FOLDER, where everything is that it needs.
set -eu

fail() {
        echo "FAIL: $*" >&2
        tail -n 50 /run/*.log >&2
        exit 1
}

# wait_for COMMAND…
wait_for() {
        i=0
        until "$@" >/dev/null 2>&1; do
                [ $((i += 1)) -le 1200 ] || fail "waited in vain for: $*"
                sleep 0.1
        done
}

# said LOG TEXT: exactly once.
said() {
        [ "$(grep -c "$2" "/run/$1.log")" = 1 ] || fail "$1 does not say once: $2"
}

# prints TEXT COMMAND…
prints() {
        text=$1
        shift
        "$@" >/run/output 2>&1 || fail "$* fails: $(cat /run/output)"
        grep -qF "$text" /run/output || fail "$*: expected $text, got $(cat /run/output)"
}

property() {
        busctl --system get-property org.peios.AuditPolicy1 /org/peios/AuditPolicy1 org.peios.AuditPolicy1 "$1"
}

mount -t tmpfs tmpfs /run
mkdir /run/etc
cp -L /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache /run/etc
mount --bind /run/etc /etc
mount -t tmpfs tmpfs /var/lib
mkdir -p /etc/peios/audit-policy /etc/peios/schema.d /var/lib/peios/registry
# A control that belongs to the machine on every kernel (a process namespace may have a kernel.pid_max of its own).
burst=$(cat /proc/sys/kernel/printk_ratelimit_burst)
cat >/etc/peios/schema.d/container.yaml <<'END'
peios-schema: 1
keys:
  \System\Container:
    Burst:
      type: REG_DWORD
      range: [1, 1000000]
      apply: live
      description: For this test.
      control:
        name: kernel.printk_ratelimit_burst
        encoding: number
        audit-op: changed-kernel-setting
END

sed -e "s|@DIR@|/run|; s|@POLICIES@|$1/policies|; s|@SERVICES@|/run/none|" "$1/bus.conf" >/run/bus.conf
dbus-daemon --config-file=/run/bus.conf --nofork --nosyslog >/run/bus.log 2>&1 &
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus
wait_for test -S /run/bus

"$REGISTRYD" >/run/registryd.log 2>&1 &
registryd=$!
wait_for "$REG" ls '\'
"$POLICYD" --recheck=1 >/run/policyd.log 2>&1 &
policyd=$!
wait_for property Live

# Taints: nothing but hints, and the kernel's own mask.
said policyd ': no BPF: .*hints remain'
! grep libbpf /run/policyd.log || fail "missing privileges are told as libbpf's riddle"
prints 's "hints"' property Backend
prints "t $(cat /proc/sys/kernel/tainted)" property Tainted
prints "\"mask\":$(cat /proc/sys/kernel/tainted)" "$AUDITPOL" taint --json

# Values are written, read and watched.
"$REG" watch '\System\Audit\Modules' >/run/watched 2>&1 &
watch=$!
tell_watch() {
        "$REG" set '\System\Audit\Modules' Probe "dword:$i"
        grep -q Probe /run/watched
}
wait_for tell_watch
"$REG" set '\System\Audit\Modules' TaintEvents disabled >/run/output || fail "set: $(cat /run/output)"
prints disabled "$REG" get '\System\Audit\Modules' TaintEvents
wait_for grep -q disabled /run/watched
kill "$watch"

# The controls are the machine's: what is written is accepted, and why it is not live is said.
wait_for sh -c '"$AUDITPOL" status --json | grep -F "\"taint_events\":\"disabled\""'
prints '"live":false' "$AUDITPOL" status --json
prints 'not live' "$REG" why '\System\Audit\Modules' TaintEvents
"$REG" set '\System\Container' Burst "dword:$((burst + 1))" >/run/output || fail "set: $(cat /run/output)"
# Looked at again every second, said once.
sleep 3
said policyd "Control 'kernel.printk_ratelimit_burst' could not be set .*Permission denied"
prints "$burst" "$AUDITPOL" status
prints 'ermission denied' "$AUDITPOL" status
[ "$(cat /proc/sys/kernel/printk_ratelimit_burst)" = "$burst" ] || fail "the machine's control was changed"

# Records: refused by the kernel, counted, said once.
said policyd 'audit records: .*no auditing in this user namespace'

for pid in $policyd $registryd; do
        kill "$pid"
        wait "$pid" || fail "a daemon ends with $?"
done
cat /run/*.log
