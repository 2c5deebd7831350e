#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the installed files have to do with each other, and that they would be the same on any machine.
set -eu
. "$(dirname "$0")/install.sh"
install_tree

# Text: programs carry build paths in their debug information.
find "$root" -type f ! -perm -u+x >"$scratch/files"
while read -r file; do
        for machine in "$SOURCE_ROOT" "$BUILD_ROOT" "$root"; do
                ! grep -qF "$machine" "$file" || fail "$file names $machine"
        done
        case $file in
        */units/* | *.service | *.conf | *.policy | */man/*)
                ! grep -qE '@[A-Za-z_-]+@' "$file" || fail "$file: $(grep -nE '@[A-Za-z_-]+@' "$file")"
                ;;
        esac
done <"$scratch/files"
[ -s "$scratch/files" ]
for file in bash-completion/completions/peios zsh/site-functions/_peios fish/vendor_completions.d/peios; do
        for tool in reg auditpol; do
                path=$root$PREFIX/share/$file-$tool
                [ -s "$path" ] || [ -s "$path.fish" ] || fail "there is no $file-$tool"
        done
done
[ "$(grep -c '^--- machine' "$root$PREFIX/share/regman/peios-registry.regman")" -ge 14 ] || fail "few regman records"
[ -s "$root$PREFIX/share/peios/hive.schema.json" ] || fail "there is no JSON Schema of hive files"
[ -s "$root$PREFIX/share/peios/peios-alerts.yml" ] || fail "there are no alerts for Prometheus"
[ -d "$root$PREFIX/lib/peios/registry.d" ] || fail "no directory for drop-ins"

for name in Registry1 AuditPolicy1; do
        bus=org.peios.$name
        [ -f "$root$DBUS_DIR/system.d/$bus.conf" ] || fail "no bus policy for $bus"
        activation=$root$DBUS_DIR/system-services/$bus.service
        unit=$(grep -lx "BusName=$bus" "$root$UNIT_DIR"/*.service) || fail "no unit has the bus name $bus"
        grep -qx "Name=$bus" "$activation" || fail "$activation is not for $bus"
        # The bus starts an alias, which is there only while the unit is enabled.
        alias=$(sed -n 's/^SystemdService=//p' "$activation")
        [ -n "$alias" ] && grep -qx "Alias=$alias" "$unit" || fail "$unit is not called '$alias', as $activation says"
        grep -q "own=\"$bus\"" "$root$DBUS_DIR/system.d/$bus.conf" || fail "nobody may own $bus"
        user=$(sed -n 's/^User=//p' "$unit")
        grep -q "<policy user=\"$user\">" "$root$DBUS_DIR/system.d/$bus.conf" || fail "$user may not own $bus"
        grep -qx "User=$user" "$activation" || fail "$activation: the unit's user is $user"
done

for unit in "$root$UNIT_DIR"/*.service; do
        program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
        [ -x "$root$program" ] || fail "$unit starts $program, which is not installed"
        for page in $(sed -n 's/^Documentation=//p' "$unit"); do
                name=${page#man:}
                section=${name##*(}
                section=${section%)}
                man=$root$PREFIX/share/man/man$section/${name%(*}.$section
                [ "$HAVE_MAN" = false ] || [ -f "$man" ] || fail "$unit: there is no $man"
        done
        for variable in State Configuration; do
                dir=$(sed -n "s/^${variable}Directory=//p" "$unit")
                [ -n "$dir" ] || continue
                mode=$(sed -n "s/^${variable}DirectoryMode=//p" "$unit")
                user=$(sed -n 's/^User=//p' "$unit")
                grep -qE "^d /(etc|var/lib)/$dir $mode $user $user -" "$root$PREFIX"/lib/tmpfiles.d/*.conf ||
                        fail "tmpfiles.d does not agree with $unit about $dir"
        done
done
