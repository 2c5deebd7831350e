#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Users, groups and directories, as systemd makes them in an empty root.
set -eu
. "$(dirname "$0")/install.sh"
need systemd-sysusers "users and groups were not made"
need systemd-tmpfiles "directories were not made"
[ "$(id -u)" = 0 ] || skip "making users and directories needs root"
install_tree
mkdir -p "$root/etc"

systemd-sysusers --root="$root" "$root$PREFIX"/lib/sysusers.d/peios-*.conf
grep -qE '^peios-registry:[^:]*:[0-9]+:[0-9]+:[^:]*:[^:]*:.*nologin$' "$root/etc/passwd" || fail "no user peios-registry"
grep -q "^peios-registry:" "$root/etc/group" || fail "no group peios-registry"
grep -q "^$ADMIN_GROUP:" "$root/etc/group" || fail "no group $ADMIN_GROUP"
# Again: nothing changes.
cp "$root/etc/passwd" "$scratch/passwd"
systemd-sysusers --root="$root" "$root$PREFIX"/lib/sysusers.d/peios-*.conf
cmp "$root/etc/passwd" "$scratch/passwd"

for i in 1 2; do
        systemd-tmpfiles --root="$root" --create "$root$PREFIX"/lib/tmpfiles.d/peios-*.conf 2>"$scratch/tmpfiles" || {
                cat "$scratch/tmpfiles" >&2
                fail "systemd-tmpfiles, round $i"
        }
        ! grep . "$scratch/tmpfiles" >&2 || fail "systemd-tmpfiles has something to say"
done
uid=$(sed -n 's/^peios-registry:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
while read -r dir want; do
        have=$(stat -c '%a %u' "$root$dir")
        [ "$have" = "$want" ] || fail "$dir has mode and owner $have, not $want"
done <<END
/etc/peios/registry.d 755 0
/etc/peios/schema.d 755 0
/etc/peios/fleet-keys.d 755 0
/etc/peios/audit-policy 700 0
/var/lib/peios 755 0
/var/lib/peios/registry.d 755 0
/var/lib/peios/fleet 755 0
/var/lib/peios/registry 700 $uid
END
if [ -e "$root$PREFIX/lib/tmpfiles.d/peios-fleet.conf" ]; then
        uid=$(sed -n 's/^peios-fleetd:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
        [ "$(stat -c '%a %u' "$root/var/lib/peios/fleet-incoming")" = "755 $uid" ] || fail "the agent's folder is not its own"
fi
