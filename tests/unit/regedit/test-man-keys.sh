#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test-man-keys.sh PROGRAM PAGE: the manual's list of keys is the program's.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$1" --keys | sort >"$scratch/program"
sed -n '/^\.Ss Keys/,/^\.El/p' "$2" | sed 's/\\&//' |
        awk -v OFS='\t' '/^\.It Ic / { n = split(substr($0, 8), keys, " , "); next }
                /^\.(Ss|Bl|El)/ { next }
                { sub(/\.$/, ""); for (i = 1; i <= n; i++) print keys[i], $0 }' | sort >"$scratch/page"
diff "$scratch/program" "$scratch/page" >&2
[ -s "$scratch/program" ]
