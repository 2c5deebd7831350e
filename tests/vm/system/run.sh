#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Boots a Debian with systemd, dbus, auditd, polkit and the package of this checkout twice from one disk, and judges
# what ausearch, the bus and the journal said there.
#
#   sudo sh tests/vm/system/run.sh [prepare | boot | judge]
#
# Without an argument it does the three one after the other; ../run.sh boots other machines meanwhile.
# The Debian and the kernel are kept in build-vm/ of the checkout. Skips (77), saying why, where the machine cannot be
# had. Each check adds a line to build-vm/proved.tsv.
set -eu

system=$(cd "$(dirname "$0")" && pwd)
here=$(dirname "$system")
source=$(dirname "$(dirname "$here")")
cache=$source/build-vm
. "$source/tests/lib.sh"
. "$here/lib.sh"
. "$system/lib.sh"

# The package is the same whatever the build that calls this was made for.
[ "${PEIOS_SANITIZE:-none}" = none ] || exit 0

mkdir -p "$cache"
vm_lock
vm_packages
vm_kernel

prepare() {
        vm_modules
        system_base
        system_modules
        system_package
        system_disk
        system_initrd
}

boot() {
        system_boot 1
        system_boot 2
}

judge() {
        PEIOS_PROVED=${PEIOS_PROVED:-$cache/proved.tsv} python3 -B "$system/check.py" "$source" "$release" \
                "$cache/system/report-1" "$cache/system/report-2"
}

for part in ${1:-prepare boot judge}; do
        $part
done
