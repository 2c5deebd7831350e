# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of peios-reg(1): keys, values and data, as the registry has them. Names do not mind case.

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
_peios_reg_key() {
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

_peios_reg_path() {
        _peios_reg_key with-values
}

_peios_reg_value() {
        local keys=() values=()
        _peios_reg_list "${given[0]}"
        _peios_reg_offer "${values[@]}"
}

_peios_reg_data() {
        local allowed choice
        local choices=()
        [[ " ${words[*]}" != *' --from'* ]] || return
        allowed=$("$program" why --json -- "${given[@]}" 2>/dev/null)
        [[ $allowed == *'"allowed":"one of '* ]] || return
        allowed=${allowed#*'"allowed":"one of '}
        while IFS= read -r -d , choice; do
                choices+=("${choice# }")
        done <<<"${allowed%%\"*},"
        _peios_reg_offer "${choices[@]}"
}
