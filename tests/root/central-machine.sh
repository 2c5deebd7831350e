#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A machine of test-central.sh: central-machine.sh NAME NUMBER, in namespaces of its own. It does what its systemd would.
set -eu

here=$(dirname "$0")
. "$here/../lib.sh"
. "$here/central-lib.sh"

be "$1" "$2"
printf '10.99.%s.1 central.example\n' "$2" >/etc/hosts
# The kernel's log and its auditing are the real machine's.
printf '[Journal]\nAudit=\nReadKMsg=no\n' >/etc/systemd/journald.conf
from_page /etc/systemd/journal-upload.conf >/etc/systemd/journal-upload.conf
cp "$CERTIFICATES/ca.pem" /etc/ssl/certs/central.pem
certify machine journal-upload

/lib/systemd/systemd-journald >/run/journald.log 2>&1 &
wait_for test -S /run/systemd/journal/socket

root=/run/root
metrics=/var/lib/prometheus/node-exporter
mkdir -p $root/etc/peios/registry.d $root/usr/lib/peios/registry.d $root$metrics $root/proc/sys/kernel
echo 3 >$root/proc/sys/kernel/audit_taint_events
echo 0 >$root/proc/sys/kernel/tainted
write_bus_config /run
dbus-daemon --config-file=/run/bus.conf --nofork --nosyslog >/run/bus.log 2>&1 &
wait_for test -S /run/bus
"$REGISTRYD" --root=$root >/run/registryd.log 2>&1 &
wait_for "$REG" ls '\'
"$POLICYD" --root=$root --recheck=1 >/run/policyd.log 2>&1 &
"$REG" set '\System\Audit\Metrics' TextFile $metrics/peios.prom
"$PROMETHEUS_NODE_EXPORTER" --collector.disable-defaults --collector.textfile --collector.textfile.directory=$root$metrics \
        >/run/exporter.log 2>&1 &

: >/run/ready
mkdir -p /var/lib/systemd/journal-upload
while :; do
        /lib/systemd/systemd-journal-upload --save-state >>/run/upload.log 2>&1 || :
        sleep 1
done
