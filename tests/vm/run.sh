#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Boots kernels of Debian's in virtual machines, sets taints for real, and checks what the service recorded of them.
#
#   meson test -C build --suite vm
#   ninja -C build vm-bench            what the monitor costs, in place of the tests
#   sh tests/vm/run.sh [NAME…]         with the PEIOS_… variables of meson.build; only these machines
#
# PEIOS_VM_TRACE=1 shows each command inside on the machine's console. Kernels, modules and what the machines printed are
# kept in build-vm/ of the checkout. Skips (77), saying why, where a machine cannot be had.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$(dirname "$here")")
. "$source/tests/lib.sh"
. "$here/lib.sh"

only=$*
cache=$source/build-vm
mkdir -p "$cache"
vm_lock
vm_packages
root=$cache/root
rm -rf "$root"
rm -f "$cache"/*.console
[ -n "$only" ] || rm -f "$cache/proved.tsv"

# The modules of the kernel that is set.
add_modules() {
        vm_modules
        mkdir -p "$root/modules/$release"
        cp "$cache/modules/$release"/*.ko "$root/modules/$release/"
}

make_image() {
        . "$here/image.sh"
        vm_kernel
        add_modules
        first=$release first_vmlinux=$vmlinux
        other=
        skipped=
        if [ "${PEIOS_SANITIZE:-none}" != none ]; then
                :
        elif vm_other_kernel; then
                other=$release other_vmlinux=$vmlinux
                add_modules
        else
                say "no second kernel can be had: that the programs fit it was not seen"
                skipped=1
        fi
        vm_pack
}

# Measuring is no test.
wanted() {
        case " ${only:-bits-first bits-other narrow locked source} " in
        *" $1 "*) return 0 ;;
        *) return 1 ;;
        esac
}

# boot NAME RELEASE VMLINUX ARGUMENT…
boot() {
        name=$1 release=$2 vmlinux=$3
        shift 3
        wanted "$name" || return 0
        begun=$(date +%s)
        ended=0
        vm_run "$cache/$name.console" "peios.run=${name%%-*}" "$@" ${PEIOS_VM_TRACE:+peios.trace} || ended=$?
        say "$name on $release: $(($(date +%s) - begun)) s"
        [ "$ended" = 0 ] || echo "the machine ended with $ended" >>"$cache/$name.console"
}

lane_first() {
        boot bits-first "$first" "$first_vmlinux"
        boot narrow "$first" "$first_vmlinux" audit=0 panic_on_taint=0x20,nousertaint
        boot locked "$first" "$first_vmlinux" lockdown=confidentiality
        # How soon something runs is measured: what else this machine has to do comes behind. In turns, for the
        # emulator's own threads do not give way.
        if chrt --rr 1 true 2>/dev/null; then
                vm_scheduler="chrt --rr 1"
        fi
        vm_threads=multi boot bench "$first" "$first_vmlinux"
}

lane_other() {
        boot source "$first" "$first_vmlinux"
        [ -z "$other" ] || boot bits-other "$other" "$other_vmlinux" peios.swap
}

# debian PART: of system/run.sh, where all machines are wanted. A skip or a failure is remembered: what could be had is
# judged all the same.
debian() {
        [ -z "$only$debian_ended" ] || return 0
        status=0
        sh "$here/system/run.sh" "$1" || status=$?
        [ "$status" = 0 ] || debian_ended=$status
        return "$status"
}

# Nothing that a lane started outlives this script.
lanes=
end_with_children() {
        for child in $(pgrep -P "$1"); do
                end_with_children "$child"
        done
        kill "$1" 2>/dev/null || :
}
finish() {
        status=$?
        trap - EXIT INT TERM
        for lane in $lanes; do
                end_with_children "$lane"
        done
        exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# judge NAME PROGRAM ARGUMENT…
judge() {
        wanted "$1" || return 0
        say "$1"
        if [ ! -f "$cache/$1.console" ]; then
                say "$1 was not booted"
                failed=1
                return 0
        fi
        program=$2 console=$cache/$1.console
        shift 2
        python3 -B "$here/check/$program.py" "$console" "$@" || failed=1
}

# What a sanitizer finds is the same on each kernel, and everything is slower.
if [ "${PEIOS_SANITIZE:-none}" != none ]; then
        vm_memory=3072 vm_seconds=2400
fi
make_image
debian_ended=
debian prepare || :
say "booting $first${other:+ and $other}"
failed=
lane_other &
other_lane=$!
debian boot &
debian_lane=$!
lanes="$other_lane $debian_lane"
lane_first
wait $debian_lane || debian_ended=$?
wait $other_lane || failed=1
lanes=
export PEIOS_PROVED="$cache/proved.tsv"
rm -f "$cache/taint-table.txt"
judge source source
judge bits-first bits "$cache/taint-table.txt"
[ -z "$other" ] || judge bits-other bits "$cache/taint-table.txt"
judge narrow narrow
judge locked locked
judge bench bench
debian judge || :
case ${debian_ended:-0} in
0) ;;
77) skipped=1 ;;
*) failed=1 ;;
esac
for file in "$cache/taint-table.txt" "$cache/proved.tsv"; do
        [ ! -f "$file" ] || [ -z "${PEIOS_BUILD:-}" ] || cp "$file" "$PEIOS_BUILD/meson-logs/"
done
[ -z "$failed" ] || exit 1
[ -z "$skipped" ] || exit 77
# What a part of the machines or a build of another kind proves is not the whole.
if [ -z "$only" ] && [ "${PEIOS_SANITIZE:-none}" = none ] && [ -w "$here" ]; then
        python3 -B "$here/proved.py" "$here/PROVED.md" <"$cache/proved.tsv"
fi
