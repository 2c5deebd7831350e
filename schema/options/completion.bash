# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for %PROGRAM%(1), made from its table of options.
#
# A backslash is a quoting character to bash and `:` `=` `@` break its words, so COMP_WORDS is of no use for registry
# paths: the line is split anew, as the shell will split it. The candidates are unquoted, and readline puts them into the
# quotes that are open (`-o filenames`).

%bash%

# Splits the line up to the cursor: `words` are the unquoted words before the one to complete, `cur` is that one, `quote`
# the quotes that are open in it.
_%FUNCTION%_split() {
        local line=$1 c word='' begun=''
        local -i i
        words=() quote=''
        for ((i = 0; i < ${#line}; i++)); do
                c=${line:i:1}
                if [[ $c == "$quote" ]]; then
                        quote=''
                elif [[ $quote != "'" && $c == '\' ]]; then
                        # Between double quotes it quotes only a few characters.
                        [[ $quote && ${line:i+1:1} != [\"\\\$\`] ]] && word+=$c
                        i+=1
                        word+=${line:i:1} begun=1
                elif [[ $quote ]]; then
                        word+=$c
                elif [[ $c == [\"\'] ]]; then
                        quote=$c begun=1
                elif [[ $c == [[:space:]] ]]; then
                        [[ $begun ]] && words+=("$word")
                        word='' begun=''
                else
                        word+=$c begun=1
                fi
        done
        cur=$word
}

# Offers what kind $1 of the tables is for; `typed` is there of it already.
_%FUNCTION%_offer_kind() {
        local typed=$2
        case $1 in
        '') ;;
        '<file>') mapfile -t COMPREPLY < <(compgen -f -- "$typed") && compopt -o filenames ;;
        '<dir>') mapfile -t COMPREPLY < <(compgen -d -- "$typed") && compopt -o filenames ;;
        '<'*) "_%FUNCTION%_${1//[<>]/}" ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$1" -- "$typed") ;;
        esac
}

_%FUNCTION%() {
        local cur quote command='' word options slashes option='' kind=''
        local words=() given=()
        COMPREPLY=()
        _%FUNCTION%_split "${COMP_LINE:0:COMP_POINT}"
        local program=${words[0]}
        for word in "${words[@]:1}"; do
                if [[ $option ]]; then
                        option=''
                elif _%FUNCTION%_argument "$word"; then
                        option=$word
                elif [[ $word == -?* ]] || _%FUNCTION%_slash "$word"; then
                        continue
                elif [[ ! $command ]]; then
                        command=$word
                elif [[ ! ${given[*]} ]] && _%FUNCTION%_is_below "$command $word"; then
                        command+=" $word"
                else
                        given+=("$word")
                fi
        done
        kind=''
        if [[ $option ]]; then
                _%FUNCTION%_argument "$option"
                _%FUNCTION%_offer_kind "$kind" "$cur"
        elif [[ $cur == --*=* ]]; then
                _%FUNCTION%_argument "${cur%%=*}"
                _%FUNCTION%_offer_kind "$kind" "${cur#*=}"
        elif [[ $cur == -* ]]; then
                _%FUNCTION%_options "$command"
                mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
                [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
        else
                _%FUNCTION%_options "$command"
                [[ $cur != /* ]] || mapfile -t COMPREPLY < <(compgen -W "$slashes" -- "${cur,,}")
                _%FUNCTION%_word "$command" "${#given[@]}"
                _%FUNCTION%_offer_kind "$kind" "$cur"
        fi
}
complete -F _%FUNCTION% %PROGRAM%
