# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of peios-reg(1): `peios-reg complete` says what is there or known. Names do not mind case.

# Offers what it says of kind $1, the words before and `typed`.
_peios_reg_ask() {
        local line head='' breaks=${COMP_WORDBREAKS//[\"\'\\[:space:]]/}
        local keys=()
        # Readline goes on after the last unquoted break character: what stands before it is not given again.
        [[ ! $quote && $breaks ]] && head=${typed%"${typed##*["$breaks"]}"}
        while IFS= read -r line; do
                line=${line:${#head}}
                if [[ $1 == @(key|path) && $line == *[\\/] ]]; then
                        keys+=("$line")
                        line=${line%?}
                fi
                COMPREPLY+=("$line")
        done < <("$program" complete "$@" "$typed" 2>/dev/null)
        # A key that goes on is offered with a separator too: so readline neither closes the quotes nor adds a blank.
        [[ ${#keys[@]} -ne 1 ]] || COMPREPLY+=("${keys[0]}")
        compopt -o filenames
        [[ ${COMPREPLY[0]} != *: ]] || compopt -o nospace
}

_peios_reg_key() {
        _peios_reg_ask key --
}

_peios_reg_path() {
        _peios_reg_ask path --
}

_peios_reg_value() {
        _peios_reg_ask value -- "${given[0]}"
}

# Behind set: a value, or data where the first word has the value.
_peios_reg_operand() {
        [[ " ${words[*]}" == *' --from'* ]] && _peios_reg_value || _peios_reg_ask operand -- "${given[0]}"
}

_peios_reg_data() {
        [[ " ${words[*]}" == *' --from'* ]] || _peios_reg_ask data -- "${given[0]}" "${given[1]}"
}

_peios_reg_layer() {
        _peios_reg_ask layer --
}
