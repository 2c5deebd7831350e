# SPDX-License-Identifier: LGPL-2.1-or-later
# Inside the virtual machine; sourced.
# shellcheck disable=SC2154

uptime_now() {
        cut -d . -f 1 /proc/uptime
}

# until_true SECONDS COMMAND…: tries until it succeeds; says so and goes on where it never does. The seconds are those of a
# machine that has processors to itself: the clock goes on while the emulator waits for one.
until_true() {
        end=$(($(uptime_now) + 5 * $1))
        shift
        while ! "$@" >/dev/null 2>&1; do
                if [ "$(uptime_now)" -ge "$end" ]; then
                        echo "never came true: $*" >>/out/problems
                        return 0
                fi
                sleep 0.2
        done
}

# user COMMAND: as somebody who has logged in as 1000.
user() {
        (echo 1000 >/proc/self/loginuid && exec sh -c "$1") || echo "'$1' failed" >>/out/problems
}

# run WORD [BIT]: the test module sets it.
run() {
        user "echo '$*' >/sys/module/taint_test/parameters/run"
}

has_own_mounts() {
        [ "$(readlink /proc/self/ns/mnt)" != "$(readlink "/proc/$1/ns/mnt")" ]
}

# A world is a bus with a daemon on it: `main` is the machine's own, `other` has /run and what is kept to itself.
make_other_world() {
        unshare -m sleep 100000 &
        other_holder=$!
        until_true 30 has_own_mounts "$other_holder"
        for folder in /run /etc/peios /var/lib/peios; do
                within other mount -t tmpfs tmpfs $folder
        done
}

# within WORLD COMMAND…
within() {
        world=$1
        shift
        if [ "$world" = other ]; then
                set -- nsenter -m -t "$other_holder" -- "$@"
        fi
        "$@"
}

# begin WORLD LOG PROGRAM…: in the background, its process in $!.
begin() {
        world=$1
        log=$2
        shift 2
        if [ "$world" = other ]; then
                set -- nsenter -m -t "$other_holder" -- "$@"
        fi
        "$@" >>"/out/$log" 2>&1 </dev/null &
}

begin_bus() {
        within "$1" mkdir -p /run/dbus
        begin "$1" "bus-$1" dbus-daemon --system --nofork --nopidfile --nosyslog
        until_true 60 within "$1" dbus-send --system --print-reply --dest=org.freedesktop.DBus / \
                org.freedesktop.DBus.Peer.Ping
}

# begin_daemon WORLD: with the options in $options_WORLD.
begin_daemon() {
        eval "set -- \"\$1\" \$options_$1"
        world=$1
        shift
        begin "$world" "log-$world" peios-audit-policyd "--recheck=${recheck:-2}" "$@"
        eval "pid_$world=$!"
        echo $! >>"/out/pids-$world"
}

has_ended() {
        [ ! -e "/proc/$1" ] || grep -q ') Z ' "/proc/$1/stat"
}

# end_all PROCESS…: in good order.
end_all() {
        kill -TERM "$@"
        for pid in "$@"; do
                until_true 60 has_ended "$pid"
                kill -KILL "$pid" 2>/dev/null || true
        done
        wait "$@" || true
}

property() {
        answer=$(within "$1" dbus-send --system --print-reply=literal --reply-timeout=20000 \
                --dest=org.peios.AuditPolicy1 /org/peios/AuditPolicy1 org.freedesktop.DBus.Properties.Get \
                string:org.peios.AuditPolicy1 "string:$2") || return 1
        echo "$answer" | sed 's/^ *variant *//; s/^[a-z]*[0-9]* \([0-9a-z]*\)$/\1/'
}

has() {
        [ "$(property "$1" "$2")" = "$3" ]
}

# A daemon answers once it has begun.
await_daemons() {
        for world in $worlds; do
                until_true 200 property "$world" Backend
        done
}

records_of() {
        pids=$(tr '\n' '|' <"/out/pids-$1")
        grep -E "pid=(${pids%|}) .*op=tainted-kernel .*bit=$2 " /out/records
}

# recorded BIT…: until each daemon has its record.
recorded() {
        for bit in "$@"; do
                for world in $worlds; do
                        until_true 60 records_of "$world" "$bit"
                done
        done
}

event_of() {
        within "$1" peios-auditpol --json events | grep -E "\"bit\": ?$2[,}]"
}

# In the history, record or not.
known() {
        for bit in "$@"; do
                for world in $worlds; do
                        until_true 60 event_of "$world" "$bit"
                done
        done
}

# What the daemons say of themselves.
report_state() {
        for world in $worlds; do
                within "$world" peios-auditpol --json events >"/out/events-$world"
                within "$world" peios-auditpol --json status >"/out/status-$world"
                for name in Backend Hooks Misses Drops Tainted AuditSent AuditKept AuditLost; do
                        echo "$name $(property "$world" $name)"
                done >"/out/properties-$world"
        done
}
