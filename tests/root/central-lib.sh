# SPDX-License-Identifier: LGPL-2.1-or-later
# Shared by test-central.sh and central-machine.sh; sourced, not run. PAGE is peios-central(7), CERTIFICATES a folder.

# from_page FILE: what the page says that FILE has.
from_page() {
        sed -n "\\|^\.Pa $1 :\$|,/^\.Ed/p" "$PAGE" | sed -e '1,/^\.Bd/d; /^\.Ed/d; s/\\-/-/g' >/run/from-page
        [ -s /run/from-page ] || die "the page has nothing of $1"
        cat /run/from-page
}

# be NAME NUMBER: this is a machine of its own now, with the name NAME.example.
be() {
        hostname "$1.example"
        mount -t tmpfs tmpfs /run
        mkdir -p /run/etc/systemd /run/etc/ssl/private /run/etc/ssl/certs
        cp -L /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache /run/etc
        printf '%032x\n' "$2" >/run/etc/machine-id
        mount --bind /run/etc /etc
        mount -t tmpfs tmpfs /var/log
        mount -t tmpfs tmpfs /var/lib
        ip link set lo up
}

# certify WHOM SERVICE: where the page has the key and the certificate of the service.
certify() {
        cp "$CERTIFICATES/$1.key" "/etc/ssl/private/$2.pem"
        cp "$CERTIFICATES/$1.pem" "/etc/ssl/certs/$2.pem"
}
