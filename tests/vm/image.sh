# SPDX-License-Identifier: LGPL-2.1-or-later
# What is in the machine beside modules: $root; sourced.
# shellcheck disable=SC2154

mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/tmp" "$root/guest" "$root/modules" \
        "$root/etc/peios" "$root/var/lib/peios/registry" "$root/usr/share/dbus-1/system.d" "$root/usr/lib/peios"
vm_add_program /bin/busybox busybox
for program in "$PEIOS_REGISTRYD" "$PEIOS_POLICYD" "$PEIOS_REG" "$PEIOS_AUDITPOL" "$PEIOS_AUDIT_LISTEN" \
        "$PEIOS_VM_TAINT" "$PEIOS_FORCE_LOAD" "$PEIOS_ROW12" /usr/bin/dbus-daemon /usr/bin/dbus-send; do
        vm_add_program "$program" "${program##*/}"
done
for name in force-load row12; do
        mv "$root/bin/vm-$name" "$root/bin/$name"
done
strip --strip-debug "$root"/bin/* 2>/dev/null || true
cp "$here/init" "$root/init"
cp "$here"/guest/* "$root/guest/"
cp /usr/share/dbus-1/system.conf "$root/usr/share/dbus-1/"
cp "$PEIOS_REGISTRY_CONF" "$PEIOS_POLICY_CONF" "$root/usr/share/dbus-1/system.d/"
cat >"$root/etc/passwd" <<END
root:x:0:0:root:/:/bin/sh
messagebus:x:100:100::/:/bin/false
peios-registry:x:101:101::/:/bin/false
somebody:x:1000:1000::/:/bin/sh
END
cat >"$root/etc/group" <<END
root:x:0:
messagebus:x:100:
peios-registry:x:101:
somebody:x:1000:
END
echo 'passwd: files
group: files' >"$root/etc/nsswitch.conf"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
