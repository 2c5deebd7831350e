# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for peios-reg(1)
#
# A backslash is a quoting character to bash and `:` `=` `@` break its words, so COMP_WORDS is of no use for registry
# paths: the line is split anew, as the shell will split it. The candidates are unquoted, and readline puts them into the
# quotes that are open (`-o filenames`).

# Splits the line up to the cursor: `words` are the unquoted words before the one to complete, `cur` is that one, `quote`
# the quotes that are open in it.
_peios_reg_split() {
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

# Whether `cur` may go on to be $1; registry names do not mind case.
_peios_reg_begins() {
        [[ ${1,,} == "${cur,,}"* ]]
}

# Offers those candidates that begin with `cur`.
_peios_reg_offer() {
        local candidate head='' breaks=${COMP_WORDBREAKS//[\"\'\\[:space:]]/}
        # Readline goes on after the last unquoted break character: what stands before it is not given again.
        [[ ! $quote && $breaks ]] && head=${cur%"${cur##*["$breaks"]}"}
        for candidate; do
                _peios_reg_begins "$candidate" && COMPREPLY+=("${candidate:${#head}}")
        done
        compopt -o filenames
}

# Lists key $1: names of subkeys into `keys`, of values into `values`.
_peios_reg_list() {
        local line
        while IFS= read -r line; do
                case $line in
                *' = REG_'*) values+=("${line%% = REG_*}") ;;
                *'\') keys+=("${line%'\'}") ;;
                esac
        done < <("$program" ls -- "$1" 2>/dev/null)
}

# A key's path, or with $1 that of a value.
_peios_reg_path() {
        local separator='\' parent name
        local keys=() values=() below=() candidates=()
        [[ $cur == */* ]] && separator=/
        parent=${cur%"${cur##*[\\/]}"}
        if [[ $parent == [\\/] || ! $parent ]]; then
                _peios_reg_list '\'
                _peios_reg_list Machine
        else
                _peios_reg_list "${parent%[\\/]}"
        fi
        for name in "${keys[@]}"; do
                _peios_reg_begins "$parent$name" && candidates+=("$parent$name")
        done
        # A key that goes on is offered with a separator too: so readline neither closes the quotes nor adds a blank.
        if [[ ${#candidates[@]} -eq 1 ]]; then
                keys=() below=("${values[@]}") values=()
                _peios_reg_list "${candidates[0]}"
                [[ ${keys[*]} || ($1 && ${values[*]}) ]] && candidates+=("${candidates[0]}$separator")
                values=("${below[@]}")
        fi
        if [[ $1 && $parent ]]; then
                for name in "${values[@]}"; do
                        [[ $name == *[\\/]* ]] || candidates+=("$parent$name")
                done
        fi
        _peios_reg_offer "${candidates[@]}"
}

_peios_reg_data() {
        local allowed choice
        local choices=()
        allowed=$("$program" why --json -- "$1" "$2" 2>/dev/null)
        [[ $allowed == *'"allowed":"one of '* ]] || return
        allowed=${allowed#*'"allowed":"one of '}
        while IFS= read -r -d , choice; do
                choices+=("${choice# }")
        done <<<"${allowed%%\"*},"
        _peios_reg_offer "${choices[@]}"
}

_peios_reg_word() {
        local keys=() values=()
        case $1:$2 in
        '':*) _peios_reg_offer get set del ls tree info new watch why history lint ;;
        lint:*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") && compopt -o filenames ;;
        get:0 | set:0 | del:0 | why:0 | history:0) _peios_reg_path with-values ;;
        *:0) _peios_reg_path ;;
        get:1 | set:1 | del:1 | why:1 | history:1)
                _peios_reg_list "$3"
                _peios_reg_offer "${values[@]}"
                ;;
        set:2) [[ $from ]] || _peios_reg_data "$3" "$4" ;;
        esac
}

# The argument of option $1, as far as it is there: $2.
_peios_reg_argument() {
        case $1 in
        --from) mapfile -t COMPREPLY < <(compgen -f -- "$2") && compopt -o filenames ;;
        --root) mapfile -t COMPREPLY < <(compgen -d -- "$2") && compopt -o filenames ;;
        --type)
                mapfile -t COMPREPLY < <(compgen -W 'sz expand dword qword dword-be multi hex link none' -- "$2")
                ;;
        esac
}

_peios_reg() {
        local cur quote command='' word options option='' from=''
        local words=() given=()
        COMPREPLY=()
        _peios_reg_split "${COMP_LINE:0:COMP_POINT}"
        local program=${words[0]}
        for word in "${words[@]:1}"; do
                [[ $word != --from?(=*) ]] || from=1
                if [[ $option ]]; then
                        option=''
                elif [[ $word == --@(layer|expected-seq|from|type|depth|count|since|until|root) ]]; then
                        option=$word
                elif [[ $word != -* ]]; then
                        if [[ $command ]]; then given+=("$word"); else command=$word; fi
                fi
        done
        if [[ $option ]]; then
                _peios_reg_argument "$option" "$cur"
        elif [[ $cur == --*=* ]]; then
                _peios_reg_argument "${cur%%=*}" "${cur#*=}"
        elif [[ $cur == -* ]]; then
                mapfile -t options < <("$program" $command --help 2>/dev/null | grep -o -- '--[a-z-]\+=\?')
                mapfile -t COMPREPLY < <(compgen -W "${options[*]}" -- "$cur")
                [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
        else
                _peios_reg_word "$command" "${#given[@]}" "${given[@]}"
        fi
}
complete -F _peios_reg peios-reg
