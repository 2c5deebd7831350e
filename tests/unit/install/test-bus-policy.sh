#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The bus policies on a bus with the system bus's defaults: the services' users may own their names and ask a client
# whether it is there, nobody else may, and everybody may talk to the services.
set -eu
. "$(dirname "$0")/install.sh"
for tool in dbus-daemon dbus-send; do
        need $tool "the bus policies were not tried"
done
install_tree

# start_bus POLICIES-DIRECTORY
start_bus() {
        [ -z "$child" ] || kill "$child"
        rm -rf "$scratch/run"
        mkdir "$scratch/run"
        sed -e "s|@DIR@|$scratch/run|; s|@POLICIES@|$1|; s|@SERVICES@|$root$DBUS_DIR/system-services|" \
                "$(dirname "$0")/bus.conf" >"$scratch/run/bus.conf"
        dbus-daemon --config-file="$scratch/run/bus.conf" --nofork --nosyslog >"$scratch/run/log" 2>&1 &
        child=$!
        export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$scratch/run/bus"
        i=0
        # The socket is there before anybody listens.
        until dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId >/dev/null 2>&1; do
                kill -0 "$child" 2>/dev/null && [ $((i += 1)) -le 1200 ] || {
                        cat "$scratch/run/log" >&2
                        fail "dbus-daemon does not start"
                }
                sleep 0.1
        done
}

# What the bus answers; never fails.
call() {
        limited dbus-send --system --print-reply --reply-timeout=120000 "$@" 2>&1 || :
}

# The policies as they are for somebody else than the services' users, or for them: as_user UID
as_user() {
        rm -rf "$scratch/policies"
        mkdir "$scratch/policies"
        for file in "$root$DBUS_DIR"/system.d/*.conf; do
                sed "s/<policy user=\"[^\"]*\">/<policy user=\"$1\">/" "$file" >"$scratch/policies/${file##*/}"
        done
        start_bus "$scratch/policies"
}

own() {
        call --dest=org.freedesktop.DBus / org.freedesktop.DBus.RequestName "string:$1" uint32:0
}

# Pings a client that no policy file knows.
ping() {
        "$BUS_PEER" 2>/dev/null &
        peer=$!
        i=0
        until call --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner string:org.peios.Test |
                grep -q 'boolean true'; do
                [ $((i += 1)) -le 1200 ] || fail "the test's own client does not start"
                sleep 0.1
        done
        call --dest=org.peios.Test / "org.freedesktop.DBus.Peer.$1"
        kill "$peer" 2>/dev/null || :
        wait "$peer" 2>/dev/null || :
}

expect() {
        text=$1
        shift
        "$@" >"$scratch/said"
        grep -qE "$text" "$scratch/said" || {
                cat "$scratch/said" >&2
                fail "$*: expected $text"
        }
}

# As they are installed. Only the provider's user may be unknown here, and the limit on descriptors is the machine's.
start_bus "$root$DBUS_DIR/system.d"
! grep -ve 'Unknown username "peios-registry"' -e 'Failed to set fd limit' "$scratch/run/log" >&2 ||
        fail "dbus-daemon has something to say"
for name in org.peios.Registry1 org.peios.AuditPolicy1; do
        expect "\"$name\"" call --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListActivatableNames
done

as_user "$(id -u)"
for name in org.peios.Registry1 org.peios.AuditPolicy1; do
        expect 'uint32 1' own $name
done
expect '^method return' ping Ping
expect 'AccessDenied' ping GetMachineId
expect 'AccessDenied' own org.peios.Registry2

as_user 65534
[ "$(id -u)" != 65534 ] || skip "these are nobody's tests, so what others may not was not tried"
for name in org.peios.Registry1 org.peios.AuditPolicy1; do
        expect 'AccessDenied' own $name
        # Allowed, but nobody is there, and the bus must not start anything by itself.
        expect 'Error.(Spawn|ServiceUnknown|NameHasNoOwner)' call --dest=$name / org.freedesktop.DBus.Peer.Ping
done
expect 'AccessDenied' ping Ping
