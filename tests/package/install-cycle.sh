#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# install-cycle.sh DEB: installs, upgrades and purges on this machine's file system with a throw-away layer above it.
# In a mount namespace of its own.
set -eu

skip() {
        echo "SKIP: $*" >&2
        exit 77
}

fail() {
        echo "FAIL: $*" >&2
        exit 1
}

layers=$(mktemp -d)
trap 'umount -l "$layers"; rmdir "$layers"' EXIT
mount -t tmpfs tmpfs "$layers"
cd "$layers"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$layers/upper,workdir=$layers/work" root ||
        skip "there is no overlay file system, so the package was not installed, upgraded and purged"
mount -t proc proc root/proc
mount --bind /dev root/dev
cp "$1" root/package.deb
# The index of all manual pages takes longer than all else.
rm -f root/var/lib/man-db/auto-update

# run COMMAND…: in the copy. Services are not started, for systemd does not run in there.
run() {
        DEBIAN_FRONTEND=noninteractive chroot root "$@" >log 2>&1 || {
                cat log >&2
                fail "$*"
        }
}

# traces: what the copy has of the package beyond what package managers and user tools remember of the past.
traces() {
        find upper -iname '*peios*'
        grep -rl peios upper --exclude='*-' --exclude='*-old' --exclude-dir=log --exclude-dir=cache \
                --exclude=package.deb || :
}

run dpkg --install /package.deb
for link in sysinit.target.wants/peios-policy-apply multi-user.target.wants/peios-registryd \
        multi-user.target.wants/peios-audit-policyd dbus-org.peios.Registry1 dbus-org.peios.AuditPolicy1; do
        [ -L "upper/etc/systemd/system/$link.service" ] || fail "installing makes no $link.service"
done
for link in paths.target.wants/peios-fleet-verify.path timers.target.wants/peios-fleet-verify.timer; do
        [ -L "upper/etc/systemd/system/$link" ] || fail "installing makes no $link"
done
[ "$(stat -c '%a %U' root/etc/peios/audit-policy)" = '700 root' ] || fail "no folder for what boot applies"
run id peios-registry
run getent group peios-admin
grep -q peios-registry upper/var/lib/systemd/catalog/database || fail "the journal's catalogue was not brought up to date"
run /usr/bin/peios-reg --version
run /usr/bin/peios-fleet --version
run /usr/bin/peios-auditpol taint decode 4609

# As the daemons would leave it.
run runuser -u peios-registry -- touch /var/lib/peios/registry/journal
run sh -c 'mkdir /run/peios-registryd /run/peios-audit-policyd && touch /etc/peios/audit-policy/accepted.yaml'
run rm /etc/systemd/system/multi-user.target.wants/peios-audit-policyd.service
run dpkg --install /package.deb
[ -f root/var/lib/peios/registry/journal ] || fail "an upgrade throws the registry away"
[ ! -e root/etc/systemd/system/multi-user.target.wants/peios-audit-policyd.service ] ||
        fail "an upgrade enables what was disabled"

run dpkg --remove peios-registry
[ -f root/var/lib/peios/registry/journal ] || fail "removing the package throws the registry away before it is purged"
run dpkg --purge peios-registry
[ -z "$(traces)" ] || fail "purging leaves: $(traces)"

# What an administrator made stays.
run dpkg --install /package.deb
run touch /etc/peios/registry.d/50-site.yaml
run usermod --append --groups peios-admin nobody
run dpkg --purge peios-registry
[ -f root/etc/peios/registry.d/50-site.yaml ] || fail "an administrator's drop-in file was removed"
run getent group peios-admin
! chroot root getent passwd peios-registry || fail "the user was kept"
[ ! -e root/var/lib/peios ] || fail "the registry was kept"
