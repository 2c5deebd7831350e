# SPDX-License-Identifier: LGPL-2.1-or-later
# A Debian with systemd on a disk; sourced behind ../lib.sh, not run. The caller sets system, cache and source, and
# vm_kernel sets kernel and release.
# shellcheck disable=SC2154

# Its own mounts, and nothing that it starts stays.
in_tree() {
        unshare --mount --pid --fork --kill-child --mount-proc="$tree/proc" chroot "$tree" "$@"
}

# Sets base: the packages of packages.txt, unpacked and set up, the same for all runs.
system_base() {
        suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
        wanted=$(sed -e 's/#.*//' "$system/packages.txt" | tr -s ' \n' ',' | sed -e 's/^,//' -e 's/,$//')
        base=$cache/system/base-$(echo "$suite $wanted" | sha256sum | cut -c 1-16)
        [ ! -d "$base" ] || return 0
        [ "$(id -u)" = 0 ] || skip "a Debian for the virtual machine is made by root only"
        say "making a Debian $suite of $wanted"
        rm -rf "$cache/system"
        mkdir -p "$cache/system"
        # shellcheck disable=SC2016
        apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) main' \
                'Created-By: Packages' 'Origin: Debian' 'Component: main' | grep -F " $suite" | sort -u \
                >"$cache/system/sources"
        mmdebstrap --mode=root --variant=essential --include="$wanted" --dpkgopt=force-unsafe-io \
                --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
                --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
                "$suite" "$cache/system/new" - <"$cache/system/sources" >"$cache/system/log" 2>&1 || {
                tail -n 20 "$cache/system/log"
                skip "the packages of system/packages.txt cannot be had"
        }
        # The package under test comes whole.
        rm -f "$cache/system/new/etc/dpkg/dpkg.cfg.d/"*
        mv "$cache/system/new" "$base"
}

# What Debian's kernel needs to come to its root is in modules, and so is what they need; vm_fetch_kernel leaves them
# out.
system_modules() {
        modules=$cache/kernel-$release/lib/modules/$release
        [ ! -f "$modules/complete" ] || return 0
        say "downloading linux-image-$release for its modules"
        rm -rf "$cache/fetch" "$cache/kernel-$release/lib"
        mkdir "$cache/fetch"
        # shellcheck disable=SC2046
        (cd "$cache/fetch" && vm_apt get download "linux-image-$release" >/dev/null &&
                dpkg-deb --fsys-tarfile ./*.deb | tar -x -C "$cache/kernel-$release" --wildcards \
                        $(printf "./lib/modules/$release/%s " 'kernel/drivers/virtio/*' \
                                kernel/drivers/block/virtio_blk.ko 'kernel/fs/ext4/*' 'kernel/fs/jbd2/*' \
                                kernel/fs/mbcache.ko 'kernel/lib/*' 'kernel/crypto/*' \
                                'kernel/arch/x86/crypto/crc*' 'modules.builtin*' modules.order)) ||
                skip "the modules of linux-image-$release cannot be had"
        touch "$modules/complete"
        rm -rf "$cache/fetch"
}

# Sets package: of this checkout as it is, built anew when a file of it changed.
system_package() {
        sum=$(cd "$source" && find . -path './build*' -prune -o -path ./.git -prune -o -path ./.cache -prune -o \
                -path ./tests -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum |
                cut -c 1-16)
        packages=$cache/package-$sum
        if ! ls "$packages"/peios-registry_*.deb >/dev/null 2>&1; then
                say "building the package"
                rm -rf "$cache"/package-*
                sh "$source/.debian/build.sh" "$packages.new" >"$cache/package.log" 2>&1 || {
                        cat "$cache/package.log"
                        die "the package does not build"
                }
                mv "$packages.new" "$packages"
        fi
        package=$(ls "$packages"/peios-registry_*.deb)
}

tree=$cache/system/tree
disk=$cache/system/disk
initrd=$cache/system/initrd

# Makes disk: the base with the package installed as an administrator would do it, and the guest's scripts.
system_disk() {
        rm -rf "$tree" "$disk"
        cp -a --reflink=auto "$base" "$tree"
        cp -a "$system/guest" "$tree/vm"
        cp "$package" "$tree/vm/peios-registry.deb"
        mkdir -p "$tree/lib/modules"
        cp -a "$modules" "$tree/lib/modules/$release"
        mkdir "$tree/lib/modules/$release/extra"
        cp "$cache/modules/$release"/*.ko "$tree/lib/modules/$release/extra/"
        in_tree sh /vm/prepare "$release" >"$cache/system/prepare.log" 2>&1 || {
                cat "$cache/system/prepare.log"
                die "the Debian of the virtual machine cannot be prepared"
        }
        mke2fs -q -t ext4 -d "$tree" "$disk" 640m >"$cache/system/mke2fs.log" 2>&1 || {
                cat "$cache/system/mke2fs.log"
                die "the disk of the virtual machine cannot be made"
        }
}

# Makes initrd: modules for the disk, in the order that modprobe says, and the control's beside them.
system_initrd() {
        root=$cache/system/initrd.d
        rm -rf "$root"
        mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/root" "$root/modules"
        cp /bin/busybox "$root/bin/busybox"
        install -m 0755 "$system/initrd-init" "$root/init"
        n=10
        for name in virtio_pci virtio_blk crc32c_generic ext4; do
                in_tree modprobe -S "$release" --show-depends "$name" 2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p'
        done | awk '!seen[$0]++' | while read -r file; do
                cp "$tree$file" "$root/modules/$n-${file##*/}"
                n=$((n + 1))
        done
        cp "$cache/modules/$release/peios_control.ko" "$root/"
        (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$initrd"
}

# system_boot N: from the disk as it is. What the guest reports goes to report-N, the console to console-N.
system_boot() {
        begun=$(date +%s)
        console=$cache/system/console-$1 report=$cache/system/report-$1 ended=0
        # Nothing of this must outlive a crash of the machine that runs it: cache=unsafe.
        vm_emulate 900 -m 1024 -serial "file:$console" -serial "file:$report" \
                -drive "file=$disk,format=raw,if=virtio,cache=unsafe" -kernel "$kernel" -initrd "$initrd" -append \
                "$vm_arguments audit_backlog_limit=8192 apparmor=0 selinux=0 mitigations=off systemd.show_status=0 vm.boot=$1" \
                >"$cache/system/qemu-$1" 2>&1 || ended=$?
        say "$release with systemd ($1): $(($(date +%s) - begun)) s"
        [ "$ended" != 0 ] || return 0
        tail -n 40 "$console"
        die "the virtual machine ended with $ended in step $(sed -n 's/^@step //p' "$report" | tail -n 1): see ${console#"$source"/}"
}
