#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# systemd's own opinion of the units: nothing to say about them, no ordering cycle with the machine's units when all are
# enabled, and an exposure of 2.5 at most. What the kernel runs as root is read-only in them.
set -eu
. "$(dirname "$0")/install.sh"
need systemd-analyze "the units were not verified"
need systemctl "the units were not enabled"
[ -f /lib/systemd/system/sysinit.target ] || skip "there are no units of systemd's in /lib/systemd/system to verify with"

# The machine's own units below ours, so that targets and what stands between them are known.
mkdir -p "$root/usr/lib/systemd/system"
ln -s usr/lib "$root/lib"
cp -a /lib/systemd/system/. "$root/usr/lib/systemd/system/"
rm -f "$root"/usr/lib/systemd/system/peios-*
install_tree
# What ExecReload= runs is systemd's own.
need busctl "the units were not verified"
mkdir -p "$root/usr/bin"
cp "$(command -v busctl)" "$root/usr/bin/"

cd "$root$UNIT_DIR"
ours=$(echo peios-*.service)
for unit in $ours; do
        limited systemd-analyze security --offline=true --no-pager --threshold=25 "./$unit" >"$scratch/security" 2>&1 || {
                cat "$scratch/security" >&2
                fail "$unit: more exposed than 2.5"
        }
        cp "$unit" "$root/usr/lib/systemd/system/" 2>/dev/null || :
        limited systemctl --root="$root" enable "$unit" >"$scratch/enable" 2>&1 || {
                cat "$scratch/enable" >&2
                fail "cannot enable $unit"
        }
done
# setting UNIT NAME: its value, in bytes where it is a size.
setting() {
        sed -n "s/^$2=//p" "$1" | numfmt --from=iec
}
for unit in $ours; do
        for name in MemoryHigh MemoryMax TasksMax; do
                [ -n "$(setting "$unit" $name)" ] || fail "$unit: no $name="
        done
        [ "$(setting "$unit" MemoryHigh)" -lt "$(setting "$unit" MemoryMax)" ] || fail "$unit: MemoryMax= comes first"
        [ "$(setting "$unit" TasksMax)" -le 16 ] || fail "$unit: more tasks than it has"
done
# systemd gives a service that asks for one of these a procfs of its own, where inotify is deaf.
! grep -E '^(ProtectProc|ProcSubset|ProtectControlGroups|ProtectKernelTunables|MountAPIVFS|RootDirectory|RootImage)=' \
        peios-audit-policyd.service >&2 || fail "peios-audit-policyd.service: not the machine's procfs"
# Which programs the kernel runs as root nobody decides through a service that may write below /proc/sys.
for unit in $ours; do
        ! grep -qx ProtectKernelTunables=yes "$unit" || continue
        for path in kernel/core_pattern kernel/modprobe kernel/hotplug kernel/poweroff_cmd kernel/usermodehelper fs/binfmt_misc; do
                grep -qE "^ReadOnlyPaths=(.* )?-/proc/sys/$path( |\$)" "$unit" || fail "$unit: may write /proc/sys/$path"
        done
        ! grep -E '^[A-Za-z]*=.*CAP_SYS_PTRACE' "$unit" >&2 || fail "$unit: sees every process's memory"
done
# Each record names the boot.
! grep -E "^ProcSubset=" peios-*.service >&2 || fail "a daemon cannot read /proc/sys/kernel/random/boot_id"
grep -qE '^ProtectKernelTunables=yes' peios-registryd.service || fail "peios-registryd.service: may write below /proc/sys"
for link in multi-user.target.wants/peios-registryd multi-user.target.wants/peios-audit-policyd \
        sysinit.target.wants/peios-policy-apply dbus-org.peios.Registry1 dbus-org.peios.AuditPolicy1; do
        [ -L "$root/etc/systemd/system/$link.service" ] || fail "enabling makes no $link.service"
done

man=no
if [ "$HAVE_MAN" = true ] && command -v man >/dev/null; then
        man=yes
        export MANPATH="$root$PREFIX/share/man"
fi
# 1: it has something to say. Of the machine's own units it always has: their programs are not in this root.
status=0
# shellcheck disable=SC2086 # a list
limited systemd-analyze verify --root="$root" --man=$man --generators=no $ours multi-user.target >"$scratch/verify" 2>&1 ||
        status=$?
! grep -iE 'peios|cycle' "$scratch/verify" >&2 || fail "systemd-analyze verify"
[ "$status" -le 1 ] || fail "systemd-analyze verify: exit status $status"
