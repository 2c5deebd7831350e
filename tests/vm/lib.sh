# SPDX-License-Identifier: LGPL-2.1-or-later
# A virtual machine with Debian's kernel; sourced, not run. The caller sets here, source, cache and root.
# shellcheck disable=SC2012,SC2154

skip() {
        say "skipped: $*"
        exit 77
}

vm_packages() {
        [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || skip "this is not Debian on amd64"
        (install_packages "$here/packages.txt") || skip "the packages for the virtual machine cannot be had"
}

# Sets kernel (the file) and release. What was downloaded once is used where there is no network.
vm_kernel() {
        image=$(apt-cache depends linux-image-amd64 2>/dev/null |
                sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
        release=${image#linux-image-}
        [ -n "$release" ] || release=$(cd "$cache" && ls -d kernel-* 2>/dev/null | sed 's/^kernel-//' | tail -n 1)
        [ -n "$release" ] || skip "no package of a kernel is known"
        kernel=$cache/kernel-$release/boot/vmlinuz-$release
        [ -f "$kernel" ] || vm_fetch_kernel
        headers=/usr/src/linux-headers-$release
        [ -d "$headers" ] || vm_fetch_headers
}

vm_fetch_kernel() {
        say "downloading linux-image-$release"
        rm -rf "$cache/fetch"
        mkdir "$cache/fetch"
        (cd "$cache/fetch" && apt-get -q -o APT::Sandbox::User=root download "linux-image-$release" >/dev/null &&
                dpkg-deb -x ./*.deb unpacked) || skip "linux-image-$release cannot be had"
        rm -rf "$cache/kernel-$release"
        mkdir "$cache/kernel-$release"
        mv "$cache/fetch/unpacked/boot" "$cache/kernel-$release/"
        rm -rf "$cache/fetch"
}

# Installed, because their makefiles know where they are.
vm_fetch_headers() {
        [ "$(id -u)" = 0 ] || skip "linux-headers-$release is not installed; run as root"
        say "installing linux-headers-$release"
        DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install \
                "linux-headers-$release" >/dev/null || skip "linux-headers-$release cannot be had"
}

vm_modules() {
        built=$cache/modules/$release
        mkdir -p "$built"
        for file in "$here"/modules/*; do
                cmp -s "$file" "$built/${file##*/}" || cp "$file" "$built/"
        done
        make -s -C "$headers" M="$built" CC=gcc-12 modules >"$built/log" 2>&1 || {
                cat "$built/log"
                die "the test modules do not build"
        }
}

# vm_add_program FILE NAME: with the libraries that it needs, where it looks for them.
vm_add_program() {
        cp "$1" "$root/bin/$2"
        { ldd "$1" 2>/dev/null || true; } | grep -o '/[^ ]*' | while read -r library; do
                mkdir -p "$root${library%/*}"
                cp -Lu "$library" "$root$library"
        done
}

# vm_boot CONSOLE [ARGUMENT…]: boots $root; what it prints goes to the file. More arguments are the kernel's.
vm_boot() {
        console=$1
        shift
        (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$cache/initrd"
        say "booting $release"
        timeout 300 qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 1024 -nographic -no-reboot -nodefaults \
                -serial stdio -kernel "$kernel" -initrd "$cache/initrd" \
                -append "console=ttyS0 quiet panic=-1 audit=1 $*" </dev/null >"$console" 2>"$console.err" ||
                die "the virtual machine ended with $?: see ${console#"$source"/}"
}
