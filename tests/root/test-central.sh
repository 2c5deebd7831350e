#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Records and metrics of two machines come to a third one, by the steps of peios-central(7), with its configuration. Each is
# in a network namespace of its own.
# From Meson: REGISTRYD, POLICYD, REG, PAGE, ALERTS, PROMETHEUS, PROMTOOL, PROMETHEUS_NODE_EXPORTER.
set -eu

here=$(dirname "$0")
. "$here/../lib.sh"
. "$here/central-lib.sh"

skip() {
        echo "SKIP: $*, so no records and metrics of many machines came to one" >&2
        exit 77
}

# make_certificates: of an authority, of the central machine, and of the others, in CERTIFICATES.
make_certificates() {
        cd "$CERTIFICATES"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem
        for who in central machine; do
                printf 'subjectAltName=DNS:%s.example' $who >names
                openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$who -keyout $who.key -out csr
                openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out $who.pem
        done
        cd - >/dev/null
}

if [ $# = 0 ]; then
        [ "$(id -u)" = 0 ] || skip "not root"
        for program in ip nsenter openssl dbus-daemon /lib/systemd/systemd-journal-remote /lib/systemd/systemd-journal-upload \
                "$PROMETHEUS" "$PROMTOOL" "$PROMETHEUS_NODE_EXPORTER"; do
                command -v "$program" >/dev/null || skip "$program is missing"
        done
        CERTIFICATES=$(mktemp -d)
        export CERTIFICATES
        trap 'rm -rf "$CERTIFICATES"' EXIT
        trap 'exit 1' HUP INT TERM
        make_certificates 2>"$CERTIFICATES/log" || die "no certificates: $(cat "$CERTIFICATES/log")"
        timeout 600 unshare --net --mount --uts --ipc --pid --fork --kill-child --mount-proc sh "$0" inside
        exit
fi

# on NAME COMMAND…: on that machine.
on() {
        target=$(eval "echo \$pid_$1")
        shift
        nsenter --all --target "$target" "$@"
}

show_logs() {
        [ $? != 0 ] || return 0
        tail -n 20 /run/*.log >&2
        for name in m1 m2; do
                on $name sh -c 'tail -n 20 /run/*.log' >&2 || :
        done
}

# start NAME NUMBER: a machine, and a cable to it.
start() {
        unshare --net --mount --uts --ipc --pid --fork --kill-child --mount-proc sh "$here/central-machine.sh" "$1" "$2" &
        wait_for pgrep -P $!
        pid=$(pgrep -P $!)
        eval "pid_$1=$pid"
        ip link add "$1" type veth peer name eth0 netns "$pid"
        ip address add "10.99.$2.1/24" dev "$1"
        ip link set "$1" up
        on "$1" ip address add "10.99.$2.2/24" dev eth0
        on "$1" ip link set eth0 up
}

# collect: the journals' half of the central machine.
collect() {
        /lib/systemd/systemd-journal-remote --listen-https=19532 --output=/var/log/journal/remote/ >>/run/remote.log 2>&1 &
        collector=$!
}

# policies FILE…: which policies have come, "HOSTNAME VALUE" each, sorted. What was sent before a
# connection broke off comes again.
policies() {
        journalctl "$@" -o json PEIOS_OP=changed-taint-audit-policy | python3 -c '
import json, sys
for entry in map(json.loads, sys.stdin):
    print(entry["_HOSTNAME"], entry["PEIOS_NEW"])' | sort -u
}

# has_come TEXT OPTION…: policies are that, in one line.
has_come() {
        expected=$1
        shift
        [ "$(policies "$@" | tr '\n' ' ')" = "$expected " ]
}

# asks EXPRESSION TEXT…: Prometheus has an answer with each text.
asks() {
        "$PROMTOOL" query instant http://127.0.0.1:9090 "$1" >/run/answer.log 2>&1 || return 1
        shift
        for text in "$@"; do
                grep -qF "$text" /run/answer.log || return 1
        done
}

trap show_logs EXIT
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus
be central 9
certify central journal-remote
from_page /etc/systemd/journal-remote.conf >/etc/systemd/journal-remote.conf
printf '10.99.1.2 m1.example\n10.99.2.2 m2.example\n' >/etc/hosts
mkdir -p /var/log/journal/remote
collect
start m1 1
start m2 2
for name in m1 m2; do
        wait_for on $name test -e /run/ready
done

say "records come, each with its machine's name and in the file of its address"
all='-D /var/log/journal/remote'
on m1 "$REG" set '\System\Audit\Modules' TaintEvents success-only
on m2 "$REG" set '\System\Audit\Modules' TaintEvents failure-only
# shellcheck disable=SC2086 # words
wait_for has_come 'm1.example success-only m2.example failure-only' $all
has_come 'm1.example success-only' --file=/var/log/journal/remote/remote-10.99.1.2.journal || die "m1's file is another"

say "records that nobody could take come later"
kill $collector
wait $collector || :
on m1 "$REG" set '\System\Audit\Modules' TaintEvents failure-only
wait_for on m1 grep -q 'Could not connect\|Upload to .* failed' /run/upload.log
collect
# shellcheck disable=SC2086 # words
wait_for has_come 'm1.example failure-only m1.example success-only m2.example failure-only' $all

say "metrics come, and alerts name the machine"
from_page /etc/prometheus/prometheus.yml | sed -e "s|@datadir@/peios|${ALERTS%/*}|; s/15s/1s/" >/etc/prometheus.yml
"$PROMTOOL" check config /etc/prometheus.yml
"$PROMETHEUS" --config.file=/etc/prometheus.yml --storage.tsdb.path=/run/prometheus --web.listen-address=127.0.0.1:9090 \
        >/run/prometheus.log 2>&1 &
wait_for asks 'count by (value) (peios_taint_events_policy == 1)' '{value="failure-only"} => 2'
on m2 sh -c 'echo 512 >/run/root/proc/sys/kernel/tainted'
wait_for asks 'ALERTS{alertname="PeiosKernelTainted", alertstate="firing"}' 'instance="m2.example:9100"'
! grep -q m1.example /run/answer.log || die "m1 is not tainted"
