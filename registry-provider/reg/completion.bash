# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of %PROGRAM%: `peios-reg complete` says what is there or known. Names do not mind case.

# Offers what it says of kind $1, the words before and `typed`.
_%FUNCTION%_ask() {
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
        done < <("${program%edit}" complete "$@" "$typed" 2>/dev/null)
        # A key that goes on is offered with a separator too: so readline neither closes the quotes nor adds a blank.
        [[ ${#keys[@]} -ne 1 ]] || COMPREPLY+=("${keys[0]}")
        compopt -o filenames
        [[ ${COMPREPLY[0]} != *: ]] || compopt -o nospace
}

_%FUNCTION%_key() {
        _%FUNCTION%_ask key --
}

_%FUNCTION%_path() {
        _%FUNCTION%_ask path --
}

_%FUNCTION%_value() {
        _%FUNCTION%_ask value -- "${given[0]}"
}

# Behind set: a value, or data where the first word has the value.
_%FUNCTION%_operand() {
        [[ " ${words[*]}" == *' --from'* ]] && _%FUNCTION%_value || _%FUNCTION%_ask operand -- "${given[0]}"
}

_%FUNCTION%_data() {
        [[ " ${words[*]}" == *' --from'* ]] || _%FUNCTION%_ask data -- "${given[0]}" "${given[1]}"
}

_%FUNCTION%_layer() {
        _%FUNCTION%_ask layer --
}
