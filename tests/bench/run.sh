#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Compares the registry with the floor of its architecture and with what does the same work elsewhere.
#
#   sudo sh tests/bench/run.sh [--rounds=N] [--idle=SECONDS] [ROW…]      rows 2 to 10 and 13, by default all
#
# The peers take part where they are installed: sqlite3, dconf-cli with dconf-service, etcd-server with etcd-client,
# procps, inotify-tools, systemd, reglookup, xfconf, libwin-hivex-perl (hivexregedit), samba-common-bin (net). All runs in
# a network namespace, because controls of the kernel are written: the namespace's own. Only ratios mean something: the
# machine is what it is, for all alike.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
tests=$(dirname "$here")
source=$(dirname "$tests")
. "$tests/lib.sh"

build=$source/build-bench
rounds=1000
idle=30
rows=
for argument in "$@"; do
        case $argument in
        --rounds=*) rounds=${argument#*=} ;;
        --idle=*) idle=${argument#*=} ;;
        2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 13) rows="$rows $argument" ;;
        *) die "unknown argument '$argument'" ;;
        esac
done
rows=${rows:-2 3 4 5 6 7 8 9 10 13}

if [ -z "${PEIOS_BENCH_NAMESPACE-}" ]; then
        install_packages "$tests/packages-demo.txt" "$tests/packages.txt"
        say "building in build-bench"
        configure "$build" -Dbuildtype=release
        ninja -C "$build" bench-programs registry-provider/daemon/peios-registryd registry-provider/reg/peios-reg registry-provider/reg/peios-reg-store \
                service/daemon/peios-audit-policyd service/daemon/peios-policy-apply >"$build/ninja.log" 2>&1 || {
                cat "$build/ninja.log"
                die "the build failed"
        }
        user=
        [ "$(id -u)" = 0 ] || user=--map-root-user
        PEIOS_BENCH_NAMESPACE=1 exec unshare ${user:+"$user"} --net sh "$0" "$@"
fi

scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/peios-bench.XXXXXX")
# Row 13 has other users come to the bus.
chmod 711 "$scratch"
pids=
cleanup() {
        status=$?
        trap - EXIT INT TERM
        # shellcheck disable=SC2086
        end_processes $pids
        [ "$status" = 0 ] || tail -n 5 "$scratch"/*.log "$scratch"/*/*.log 2>/dev/null || :
        rm -rf "$scratch"
        exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# start LOG COMMAND…: in the background; its process is $started.
start() {
        log=$1
        shift
        "$@" >"$scratch/$log" 2>&1 &
        started=$!
        pids="$pids $started"
}

stop() {
        kill "$1"
        wait "$1" || :
}

installed() {
        command -v "$1" >/dev/null
}

# The files of a peer that lie elsewhere than in the search path.
dconf_service=/usr/libexec/dconf-service
xfconfd=$(find /usr/lib/*/xfce4/xfconf /usr/libexec /usr/lib/xfce4 -name xfconfd 2>/dev/null | head -n 1)
systemd_sysctl=/lib/systemd/systemd-sysctl

# on_bus NAME COMMAND…: each store size has a bus of its own, which serves for both of the usual ones. A script, so
# that the process in the background is the command itself.
on_bus=$scratch/on-bus
cat >"$on_bus" <<EOF
#!/bin/sh
dir=$scratch/\$1
shift
DBUS_SYSTEM_BUS_ADDRESS=unix:path=\$dir/bus DBUS_SESSION_BUS_ADDRESS=unix:path=\$dir/bus XDG_CONFIG_HOME=\$dir/config \\
        XDG_RUNTIME_DIR=\$dir/run exec "\$@"
EOF
chmod +x "$on_bus"

reg=$build/registry-provider/reg/peios-reg

bench() {
        "$on_bus" 10k "$build/tests/bench/registry-bench" "$scratch" "$build" "$rounds" "$1"
}

owned() {
        "$on_bus" "$1" busctl --system --timeout=5 call org.freedesktop.DBus / org.freedesktop.DBus GetNameOwner s "$2"
}

start_bus() {
        dir=$scratch/$1
        mkdir -p "$dir/config" "$dir/run" "$dir/root/etc/peios/registry.d" "$dir/root/etc/peios/schema.d"
        ln -s /proc "$dir/root/proc"
        write_bus_config "$dir"
        start "$1/bus.log" dbus-daemon --config-file="$dir/bus.conf" --nofork
        wait_for test -S "$dir/bus"
}

start_registry() {
        start "$1/registryd.log" "$on_bus" "$1" "$build/registry-provider/daemon/peios-registryd" \
                --root="$scratch/$1/root"
        echo "$started" >"$scratch/$1/peios-registryd.pid"
        wait_for owned "$1" org.peios.Registry1
}

# Values as the benchmark's own, in the form of each peer: K00000 to …, with V00 to V99 in each.
dconf_values() {
        awk -v n="$1" 'BEGIN {
                for (i = 0; i < n; i++) {
                        if (i % 100 == 0)
                                printf "[bench/k%05d]\n", i / 100
                        printf "v%02d='\''the first value of %d %d'\''\n", i % 100, i / 100, i % 100
                }
        }'
}

xfconf_values() {
        awk -v n="$1" 'BEGIN {
                print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<channel name=\"bench\" version=\"1.0\">"
                for (i = 0; i < n; i++) {
                        if (i % 100 == 0)
                                printf "%s<property name=\"K%05d\" type=\"empty\">\n", i ? "</property>" : "", i / 100
                        printf "<property name=\"V%02d\" type=\"string\" value=\"the first value of %d %d\"/>\n",
                                i % 100, i / 100, i % 100
                }
                print "</property></channel>"
        }'
}

start_dconf() {
        installed dconf && [ -x "$dconf_service" ] || return 0
        mkdir "$scratch/$1/dconf-values" "$scratch/$1/config/dconf"
        dconf_values "$2" >"$scratch/$1/dconf-values/bench"
        dconf compile "$scratch/$1/config/dconf/user" "$scratch/$1/dconf-values"
        start "$1/dconf.log" "$on_bus" "$1" "$dconf_service"
        echo "$started" >"$scratch/$1/dconf-service.pid"
        wait_for owned "$1" ca.desrt.dconf
        # The service reads the file when it has to write it.
        "$on_bus" "$1" dconf write /bench/k00000/v00 "'other'"
        : >"$scratch/$1/dconf"
}

start_xfconf() {
        # Some packages are not whole.
        [ -n "$xfconfd" ] && installed xfconf-query && xfconf-query --version >/dev/null 2>&1 || return 0
        channels=$scratch/$1/config/xfce4/xfconf/xfce-perchannel-xml
        mkdir -p "$channels"
        xfconf_values "$2" >"$channels/bench.xml"
        start "$1/xfconfd.log" "$on_bus" "$1" "$xfconfd"
        echo "$started" >"$scratch/$1/xfconfd.pid"
        wait_for owned "$1" org.xfce.Xfconf
        "$on_bus" "$1" xfconf-query -c bench -p /K00000/V00 >/dev/null
}

# The registry and dconf, with so many values.
start_stores() {
        start_bus "$1"
        start_registry "$1"
        "$on_bus" "$1" "$build/tests/bench/registry-bench" --fill "unix:path=$scratch/$1/bus" "$2"
        start_dconf "$1" "$2"
}

start_sqlite() {
        installed sqlite3 || return 0
        sqlite3 "$scratch/values.db" >/dev/null <<'EOF'
pragma journal_mode=wal;
create table value (name text primary key, data text) without rowid;
with recursive n(i) as (select 0 union all select i + 1 from n where i < 9999)
insert into value select printf('\Bench\K%05d\V%02d', i / 100, i % 100),
        printf('the first value of %d %d', i / 100, i % 100) from n;
EOF
}

start_etcd() {
        installed etcd && installed etcdctl && ip link set lo up || return 0
        start etcd.log etcd --data-dir="$scratch/etcd" --log-level=error
        wait_for env ETCDCTL_API=3 etcdctl put bench 0
        echo 2379 >"$scratch/etcd-port"
}

# A file that somebody writes to, and a shell that takes it to the control; the same with dconf.
start_chains() {
        control=net.ipv4.tcp_max_syn_backlog
        installed sysctl || return 0
        : >"$scratch/procps"
        if installed inotifywait; then
                : >"$scratch/chain"
                mkfifo "$scratch/chain.pipe"
                start chain.log sh -c "while read -r _; do
                                read -r value <'$scratch/chain'
                                sysctl -q -w $control=\$value
                        done <'$scratch/chain.pipe'"
                inotifywait -m -q -e close_write "$scratch/chain" >"$scratch/chain.pipe" &
                pids="$pids $!"
        fi
        if [ -e "$scratch/10k/dconf" ]; then
                mkfifo "$scratch/dconf.pipe"
                start dconf-chain.log sh -c "while read -r line; do
                                case \$line in [0-9]*) sysctl -q -w $control=\$line ;; esac
                        done <'$scratch/dconf.pipe'"
                "$on_bus" 10k dconf watch /chain/ >"$scratch/dconf.pipe" &
                pids="$pids $!"
                : >"$scratch/10k/dconf-chain"
        fi
}

start_policy() {
        cat >"$scratch/10k/root/etc/peios/schema.d/50-bench.yaml" <<'EOF'
peios-schema: 1
keys:
  \Bench:
    Control:
      type: REG_DWORD
      range: [0, 4294967295]
      apply: live
      description: A control that does no harm in a network namespace of its own.
      control:
        name: net.ipv4.tcp_max_tw_buckets
        encoding: number
        drift: report
        audit-op: changed-kernel-setting
EOF
        start 10k/policyd.log "$on_bus" 10k "$build/service/daemon/peios-audit-policyd" --root="$scratch/10k/root"
        policyd=$started
        wait_for grep -q 'following the registry' "$scratch/10k/policyd.log"
}

boot_settings() {
        mkdir "$scratch/boot-$1"
        python3 "$here/settings.py" "$scratch/boot-$1" "$1"
        ln -s /proc "$scratch/boot-$1/root/proc"
}

# A store of a million values, which row 8 makes.
start_large() {
        start_bus 1m
        start_registry 1m
        # Backups are for row 7 to wait beside.
        "$on_bus" 1m "$reg" -q set '\System\Registry\Backups' Kept 0
        bench 8
        "$on_bus" 1m "$build/tests/bench/registry-bench" --fill "unix:path=$scratch/1m/bus" 10
}

stop_registry() {
        stop "$(cat "$scratch/$1/peios-registryd.pid")"
}

# boot_store NAME STORE: as boot-1, with a store in it that nobody has open.
boot_store() {
        cp -a "$scratch/boot-1" "$scratch/boot-$1"
        state=$scratch/boot-$1/root/var/lib/peios
        mkdir -p "$state"
        stop_registry "$2"
        cp -a "$scratch/$2/root/var/lib/peios/registry" "$state/"
        start_registry "$2"
}

# Its files come from one program to the other and are as large as its stores.
start_exchange() {
        start_bus exchange
        start_registry exchange
        cp "$here/exchange.sh" "$scratch/"
        python3 "$here/regf.py" "$scratch/exchange/empty.regf" 1 1
        for peer in hivexregedit net sqlite3; do
                ! installed "$peer" || : >"$scratch/exchange/have-$peer"
        done
        start_dconf exchange 10
        [ ! -e "$scratch/exchange/dconf" ] || mv "$scratch/exchange/dconf" "$scratch/exchange/have-dconf"
}

row_7() {
        bench 7-load
        "$on_bus" 1m "$reg" -q set '\System\Registry\Backups' Kept 3
        bench 7-upkeep
        stop_registry 1m
        stop_registry 10
        bench 7-start
        start_registry 1m
        start_registry 10
}

say "setting up in $scratch ($(stat -f -c %T "$scratch"))"
start_stores 10 10
start_stores 10k 10000
start_stores 100k 100000
start_sqlite
start_etcd
[ ! -x "$systemd_sysctl" ] || : >"$scratch/systemd-sysctl"
! installed reglookup || python3 "$here/regf.py" "$scratch/values.regf" 100 100
boot_settings 1
boot_settings 100
case " $rows " in
*" 2 "* | *" 5 "* | *" 7 "* | *" 8 "*)
        start_large
        boot_store large 1m
        boot_store empty 10
        ;;
esac
case " $rows " in
*" 8 "* | *" 9 "*) start_exchange ;;
esac
say "waiting for upkeep"
sleep 5
start 10k/proto.log "$on_bus" 10k "$build/tests/bench/proto" "$scratch/proto"
start_policy
start_chains
sleep 1

for row in $rows; do
        case $row in
        7) row_7 ;;
        8) bench 8-import ;;
        10) ;;
        *) bench "$row" ;;
        esac
done

case " $rows " in
*" 10 "*) ;;
*) exit 0 ;;
esac
services="peios-audit-policyd=$policyd"
for size in 10 100k; do
        # As after a boot, not what grew by sets.
        stop_registry "$size"
        start_registry "$size"
done
start_xfconf 10 10
start_xfconf 100k 100000
sleep 2
for size in 10 100k; do
        for service in peios-registryd dconf-service xfconfd; do
                [ ! -e "$scratch/$size/$service.pid" ] ||
                        services="$services $service/$size=$(cat "$scratch/$size/$service.pid")"
        done
done
# shellcheck disable=SC2086
python3 "$here/idle.py" "$idle" $services
