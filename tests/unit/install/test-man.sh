#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The manual pages format without a word from mandoc and from groff, and name only pages of ours that are there.
set -eu
. "$(dirname "$0")/install.sh"
command -v mandoc >/dev/null || command -v groff >/dev/null ||
        skip "neither mandoc nor groff is here, so the manual pages were not checked"
install_tree

found=0
for page in "$root$PREFIX"/share/man/man*/*peios*; do
        found=$((found + 1))
        if command -v mandoc >/dev/null; then
                # Examples come before all else on purpose.
                mandoc -Tlint -Wwarning "$page" >"$scratch/mandoc" || :
                ! grep -v 'sections out of conventional order' "$scratch/mandoc" >&2 || fail "mandoc: $page"
        else
                echo "mandoc is missing: groff alone checks $page" >&2
        fi
        if command -v groff >/dev/null; then
                groff -mdoc -Tutf8 -K utf8 -ww -z "$page" >"$scratch/groff" 2>&1 || :
                ! grep . "$scratch/groff" >&2 || fail "groff: $page"
        fi
        sed -n 's/^\.Xr \(.*peios[^ ]*\) \([0-9]\).*/\1.\2/p' "$page" >"$scratch/references"
        while read -r reference; do
                ls "$root$PREFIX"/share/man/man*/"$reference" >/dev/null || fail "$page: there is no $reference"
        done <"$scratch/references"
done
# Every program has a page, by itself or by a name that leads to one.
for program in "$root$PREFIX"/bin/* "$root$PREFIX"/libexec/peios/*; do
        page=$(ls "$root$PREFIX"/share/man/man*/"${program##*/}".?) || fail "${program##*/} has no page"
        sed -n 's/^\.It Fl \([a-z]\) .*/\1/p' "$page" >"$scratch/letters"
        while read -r letter; do
                "$program" -"$letter" --version >/dev/null || fail "$page: ${program##*/} has no -$letter"
        done <"$scratch/letters"
done
[ "$found" -ge 7 ] || fail "$found pages were installed"
