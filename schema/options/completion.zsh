#compdef %PROGRAM%
# SPDX-License-Identifier: LGPL-2.1-or-later
# zsh completion for %PROGRAM%(1), made from its table of options.

%zsh%

_%FUNCTION%() {
        local curcontext="$curcontext" context state state_descr line command ret=1
        typeset -A opt_args

        _arguments -C -s -S $_%FUNCTION%_rows '(-)1: :_%FUNCTION%_first' '(-)*:: :->words' && ret=0
        [[ $state == words ]] || return ret
        command=$words[1]
        # A command of two words: the first is left out, so that the second stands where a command does.
        if _%FUNCTION%_is_below "$command $words[2]" && (( CURRENT > 2 )); then
                command+=" $words[2]"
                shift words
                (( CURRENT-- ))
        elif (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
                _%FUNCTION%_below "$command" && return 0
        fi
        _%FUNCTION%_of "$command"
}

_%FUNCTION% "$@"
