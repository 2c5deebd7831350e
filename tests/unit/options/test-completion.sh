#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test-completion.sh zsh|fish [CASES]: what the shell offers, from the files that were made of the tables of options and what
# `peios-reg complete` would say, or, of the lines in CASES, what that says: then PEIOS_REG is the program. From Meson:
# COMPLETIONS, the folder with the files. With CASES it is run by tests/bus/test-completion.c, where bash is tried, too.
set -eu
shell=$1
command -v "$shell" >/dev/null || {
        echo "SKIP: $shell is missing, so its completion was not tried" >&2
        exit 77
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch" XDG_CONFIG_HOME="$scratch" XDG_DATA_HOME="$scratch" TERM=dumb
mkdir "$scratch/bin"

pretend() {
        cat >"$1" <<'END'
#!/bin/sh
case "$*" in
'complete key -- /App/') printf '%s\n' /App/Columns/ '/App/My files/' /App/a:b/ ;;
'complete key -- /App/My f') printf '%s\n' '/App/My files' ;;
'complete key -- \App\Co') printf '%s\n' '\App\Columns\' '\App\Codes\' ;;
'complete path -- /App/Co') printf '%s\n' /App/Columns/ /App/Color /App/Count ;;
'complete value -- /App Col') echo Color ;;
'complete value -- /App ') printf '%s\n' Color 'Two words' a:b ;;
'complete operand -- /App Col') echo Color ;;
'complete operand -- /App/Color gr') printf '%s\n' green grey ;;
'complete data -- /App Color gr') printf '%s\n' green grey ;;
'complete data -- /App Other dw') printf '%s\n' dword: dword-be: ;;
'complete layer -- '*) printf '%s\n' base trial ;;
*) exit 2 ;;
esac
END
        chmod +x "$1"
}

if [ $# -gt 1 ]; then
        ln -s "$PEIOS_REG" "$scratch/bin/peios-reg"
else
        pretend "$scratch/bin/peios-reg"
fi
PATH=$scratch/bin:$PATH

for file in "$COMPLETIONS"/*peios*; do
        case $shell:${file##*/} in
        zsh:_*) zsh -n "$file" ;;
        fish:*.fish) fish --no-execute "$file" ;;
        esac
done
if [ $# -gt 1 ]; then
        cp "$2" "$scratch/cases"
else
        cat >"$scratch/cases" <<'END'
peios-reg g|get
peios-reg set --forc|--force
peios-reg get --fo|
peios-reg set --type=dw|dword dword-be
peios-reg ls /App/|/App/Columns /App/My files /App/a:b
peios-reg ls '\App\Co|\App\Codes \App\Columns
peios-reg ls /App/My\ f|/App/My files
peios-reg get /App/Co|/App/Color /App/Columns /App/Count
peios-reg get /App Col|Color
peios-reg get /App |Color Two words a:b
peios-reg set /App Col|Color
peios-reg set /App/Color gr|green grey
peios-reg set /App Other dw|dword-be: dword:
peios-reg set --layer=tr|trial
peios-reg set --quiet /App Color gr|green grey
peios-auditpol |events explain get set status taint
peios-auditpol --json se|set
peios-auditpol set f|failure-only
peios-auditpol taint |check decode scan
peios-auditpol taint s|scan
peios-auditpol taint decode --distro=de|debian
peios-auditpol taint scan --max-d|--max-depth
END
        [ ! -e "$COMPLETIONS/peios-regedit" ] || cat >>"$scratch/cases" <<'END'
peios-regedit /App/My\ f|/App/My files
peios-regedit --layer=tr|trial
END
fi
sed 's/|.*//' "$scratch/cases" >"$scratch/lines"
if [ "$shell" = fish ]; then
        fish --no-config "${0%/*}/complete.fish" "$COMPLETIONS" <"$scratch/lines" >"$scratch/said"
else
        timeout 120 zsh -f "${0%/*}/complete.zsh" "$COMPLETIONS" <"$scratch/lines" >"$scratch/said"
fi
# Of a line: the candidates, sorted, a blank between two. An option's argument may have the option in front, and a blank a
# backslash.
sed 's/^--[a-z]*=\(.\)/\1/; s/=$//; s/\\ / /g' "$scratch/said" | awk '
        $0 != "." { print n + 0, $0 }
        $0 == "." { n++ }' | LC_ALL=C sort -k1,1n -k2 -u >"$scratch/sorted"
awk -F'|' '
        NR == FNR { split($0, part, " "); sub(/^[0-9]+ /, ""); said[part[1]] = said[part[1]] (said[part[1]] ? " " : "") $0; next }
        said[FNR - 1] != $2 { print "FAIL: " $1 " offers \047" said[FNR - 1] "\047, expected \047" $2 "\047"; bad = 1 }
        END { exit bad }' "$scratch/sorted" "$scratch/cases" >&2
