# SPDX-License-Identifier: LGPL-2.1-or-later
# A virtual machine with a kernel of Debian's; sourced, not run. The caller sets here, source, cache and root.
# shellcheck disable=SC2034,SC2154

skip() {
        say "skipped: $*"
        exit 77
}

# One run at a time; a script that another one has called is within it.
vm_lock() {
        [ -z "${PEIOS_VM_LOCKED:-}" ] || return 0
        exec 9>"$cache/lock"
        flock 9
        export PEIOS_VM_LOCKED=1
}

vm_packages() {
        [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || skip "this is not Debian on amd64"
        (install_packages "$here/packages.txt") || skip "the packages for the virtual machine cannot be had"
}

# Debian's own kernel. Sets kernel (the file), vmlinux (the same, unpacked), release and headers (a folder).
vm_kernel() {
        vm_archive=
        vm_take_kernel linux-image-amd64 || skip "no package of a kernel can be had"
}

# Another one: of the backports, or else of the cloud flavour.
vm_other_kernel() {
        vm_backports
        vm_take_kernel linux-image-amd64 && return 0
        vm_archive=
        vm_take_kernel linux-image-cloud-amd64
}

# vm_take_kernel PACKAGE: what PACKAGE depends on, in the archive that is set. What was had last is used where there is no
# network.
vm_take_kernel() {
        release=$(vm_apt cache depends "$1" 2>/dev/null |
                sed -n 's/^ *Depends: linux-image-\([0-9].*\)$/\1/p' | head -n 1)
        vm_last=$cache/last-${vm_archive:+backports-}$1
        [ -n "$release" ] || release=$(cat "$vm_last" 2>/dev/null) || return 1
        kernel=$cache/kernel-$release/boot/vmlinuz-$release
        headers=$cache/kernel-$release/usr/src/linux-headers-$release
        [ -f "$cache/kernel-$release/complete" ] || vm_fetch_kernel || return 1
        echo "$release" >"$vm_last"
        vm_unpack_kernel
}

# Sets vmlinux. An emulated machine takes longer to unpack its kernel than to start all that follows. Where the kernel
# lies is random only if it unpacks itself: system/ boots it so, and so is one that cannot be unpacked here.
vm_unpack_kernel() {
        vmlinux=$cache/kernel-$release/vmlinux
        [ ! -f "$vmlinux" ] || return 0
        if python3 -B "$here/vmlinux.py" "$kernel" "$vmlinux.new"; then
                mv "$vmlinux.new" "$vmlinux"
        else
                say "linux $release unpacks itself"
                vmlinux=$kernel
        fi
}

# vm_apt get|cache ARGUMENT…: of the archive that is set; the machine's own where it is empty.
vm_apt() {
        vm_tool=apt-$1
        shift
        if [ -n "$vm_archive" ]; then
                set -- -o "Dir::Etc::sourcelist=$vm_archive/sources.list" -o Dir::Etc::sourceparts=/dev/null \
                        -o "Dir::State::Lists=$vm_archive/lists" -o "Dir::Cache=$vm_archive/cache" "$@"
        fi
        "$vm_tool" -q -o APT::Sandbox::User=root "$@"
}

# The lists are the run's own: nothing of the machine's configuration is changed.
vm_backports() {
        vm_archive=$cache/backports
        mkdir -p "$vm_archive/lists/partial" "$vm_archive/cache/archives/partial"
        keyring=/usr/share/keyrings/debian-archive-keyring.gpg
        echo "deb [signed-by=$keyring] http://deb.debian.org/debian bookworm-backports main" \
                >"$vm_archive/sources.list"
        [ -z "$(find "$vm_archive/lists" -name '*_Packages*' -mtime -7)" ] || return 0
        vm_apt get update >/dev/null 2>&1 || say "the backports cannot be had now"
}

# Unpacked, not installed.
vm_fetch_kernel() {
        say "downloading linux $release"
        common=$(vm_apt cache depends "linux-headers-$release" |
                sed -n 's/^ *Depends: \(linux-headers-.*-common.*\|linux-kbuild-.*\)$/\1/p')
        rm -rf "$cache/fetch" "$cache/kernel-$release"
        mkdir "$cache/fetch" "$cache/kernel-$release"
        # shellcheck disable=SC2086
        (cd "$cache/fetch" && vm_apt get download "linux-image-$release" "linux-headers-$release" $common >/dev/null &&
                for package in *.deb; do
                        dpkg-deb --fsys-tarfile "$package" |
                                tar -x -C "$cache/kernel-$release" --exclude=./lib/modules || exit 1
                done) || return 1
        # The makefiles know where they would be installed.
        sed -i "s|/usr/|$cache/kernel-$release/usr/|" "$headers/Makefile"
        # For types of the modules' own, which takes pahole.
        rm -f "$headers/vmlinux"
        touch "$cache/kernel-$release/complete"
        rm -rf "$cache/fetch"
}

# The test modules for the kernel, in build-vm/modules/RELEASE.
vm_modules() {
        built=$cache/modules/$release
        mkdir -p "$built"
        changed=$(cd "$here/modules" && for file in *; do
                cmp -s "$file" "$built/$file" || echo "$file"
        done)
        [ -n "$changed" ] || [ ! -f "$built/complete" ] || return 0
        rm -f "$built/complete"
        cp "$here"/modules/* "$built/"
        make -s -C "$headers" M="$built" CC=gcc-12 modules >"$built/log" 2>&1 || {
                cat "$built/log"
                die "the test modules do not build for $release"
        }
        touch "$built/complete"
}

# vm_add_program FILE NAME: with the libraries that it needs, where it looks for them.
vm_add_program() {
        cp "$1" "$root/bin/$2"
        { ldd "$1" 2>/dev/null || true; } | grep -o '/[^ ]*' | while read -r library; do
                mkdir -p "$root${library%/*}"
                cp -Lu "$library" "$root$library"
        done
}

# Packs $root.
vm_pack() {
        (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$cache/initrd"
}

# Of every machine. An emulator translates a library anew for each address that it comes to lie at: without random ones
# a program starts in half the time. The kernel's cryptography tests itself for a second, and its timer, which fails where
# the emulator has to wait for a processor.
vm_arguments="console=ttyS0 quiet panic=-1 audit=1 norandmaps cryptomgr.notests no_timer_check"

# vm_emulate SECONDS ARGUMENT…: a machine, for so long at most; seconds in which it waited for a processor are no part of
# its time. Its two processors take turns in one thread: with a thread each, one now and then runs what the other has just
# rewritten, and a kernel that patches its own text (static keys, BPF) dies of it or hangs.
vm_emulate() {
        vm_limit=$1
        shift
        ${vm_scheduler:-nice -n "${vm_nice:-0}"} python3 -B "$here/limit.py" "$vm_limit" qemu-system-x86_64 -accel "tcg,thread=${vm_threads:-single}" \
                -cpu max,la57=off -smp 2 -nographic -no-reboot -nodefaults "$@" </dev/null
}

# vm_run CONSOLE [ARGUMENT…]: boots what was packed; what it prints goes to the file. More arguments are the kernel's.
# Returns what the machine ended with. It gives way to the machines of system/, which take longest.
vm_run() {
        console=$1 vm_nice=5
        shift
        vm_emulate "${vm_seconds:-600}" -m "${vm_memory:-1024}" -serial stdio -kernel "$vmlinux" -initrd "$cache/initrd" \
                -append "$vm_arguments $*" >"$console" 2>"$console.err"
}

# vm_prove KERNEL OPTIONS TEXT: a line for the table of what was proved on which kernel.
vm_prove() {
        printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$cache/proved.tsv"
}
