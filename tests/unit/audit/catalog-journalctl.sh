#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The journal's own tool takes the catalogue and has every entry of it afterwards. $1: the catalogue.
set -eu

if ! command -v journalctl >/dev/null; then
        echo "SKIP: journalctl is missing, so peios.catalog was not compiled" >&2
        exit 77
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/usr/lib/systemd/catalog" "$root/var/lib/systemd/catalog"
cp "$1" "$root/usr/lib/systemd/catalog/peios.catalog"

SYSTEMD_LOG_LEVEL=info journalctl --root="$root" --update-catalog 2>"$root/said" || {
        cat "$root/said" >&2
        exit 1
}
if grep . "$root/said" >&2; then
        echo "journalctl has something to say about the catalogue" >&2
        exit 1
fi

sed -n 's/^-- \([0-9a-f]\{32\}\)$/\1/p' "$1" | sort >"$root/want"
# Lines are `ID PROGRAM: SUBJECT`.
journalctl --root="$root" --list-catalog | sed 's/ .*//' | sort >"$root/have"
diff "$root/want" "$root/have"
[ -s "$root/want" ]
journalctl --root="$root" --dump-catalog | grep -q '^Subject: Audit policy '
