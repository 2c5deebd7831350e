#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Boots Debian's kernel in a virtual machine, sets taints for real, and checks what BPF told of them.
#
#   sh tests/vm/run.sh VM_TAINT FORCE_LOAD
#
# The kernel and the test modules are kept in build-vm/ of the checkout. Skips (77), saying why, where the machine
# cannot be had.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$(dirname "$here")")
. "$source/tests/lib.sh"
. "$here/lib.sh"

[ $# = 2 ] || die "usage: run.sh VM_TAINT FORCE_LOAD"
cache=$source/build-vm
mkdir -p "$cache"
# One machine at a time.
exec 9>"$cache/lock"
flock 9

vm_packages
vm_kernel
vm_modules
root=$cache/root
rm -rf "$root"
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev"
vm_add_program "$1" vm-taint
vm_add_program "$2" force-load
vm_add_program /bin/busybox busybox
cp "$here/init" "$root/init"
cp "$cache/modules/$release"/*.ko "$root/"
vm_boot "$cache/console"
python3 "$here/check.py" "$cache/console"
