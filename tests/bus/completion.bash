#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# completion.bash ROOT LINE: prints, sorted, what the completion offers behind a line as somebody types it. Its first word is
# peios-reg, peios-auditpol or peios-regedit. From the test: the programs PEIOS_REG, PEIOS_AUDITPOL and, where it was built,
# PEIOS_REGEDIT, and the folder of what was made, PEIOS_COMPLETIONS; each program of its is given a root, which nobody asks for
# here.

# Readline is not there to be told.
compopt() {
        :
}

peios-reg() {
        "$PEIOS_REG" "$@"
}

peios-auditpol() {
        "$PEIOS_AUDITPOL" "$@"
}

. "$PEIOS_COMPLETIONS/peios-reg"
. "$PEIOS_COMPLETIONS/peios-auditpol"
[[ ! $PEIOS_REGEDIT ]] || . "$PEIOS_COMPLETIONS/peios-regedit"

COMP_LINE=$2 COMP_POINT=${#2}
name=${COMP_LINE%% *}
# As readline breaks words, but for quotes.
read -ra COMP_WORDS <<<"${COMP_LINE//=/ = }"
[[ $COMP_LINE != *' ' ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
function_of=$(complete -p "$name")
function_of=${function_of#*-F }
"${function_of%% *}"
printf '%s\n' "${COMPREPLY[@]}" | sort
