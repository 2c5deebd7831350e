#compdef %PROGRAM%
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of %PROGRAM%: `peios-reg complete` says what is there or known. Names do not mind case.

# The words behind the command that are no options: those before the cursor.
_%FUNCTION%_given() {
        local word
        for word in ${words[2,CURRENT-1]}; do
                [[ $word == -?* ]] || given+=("${(Q)word}")
        done
}

# Offers what it says of kind $1, the words before and the one that is typed.
_%FUNCTION%_ask() {
        local word=${(Q)PREFIX} separator='\'
        local -a said keys
        # Within quotes a backslash is one.
        [[ -z $compstate[quote] ]] || word=$PREFIX
        [[ $word == */* ]] && separator=/
        said=(${(f)"$(peios-reg complete "$@" "$word" 2>/dev/null)"})
        if [[ $1 == (key|path) ]]; then
                keys=(${${(M)said:#*[\\/]}%?})
                said=(${said:#*[\\/]})
                (( $#keys )) && compadd -M 'm:{a-zA-Z}={A-Za-z}' -S "$separator" -q -- $keys
        fi
        if [[ $said[1] == *: ]]; then
                compadd -M 'm:{a-zA-Z}={A-Za-z}' -S '' -- $said
        elif (( $#said )); then
                compadd -M 'm:{a-zA-Z}={A-Za-z}' -- $said
        fi
}

_%FUNCTION%_key() {
        _%FUNCTION%_ask key --
}

_%FUNCTION%_path() {
        _%FUNCTION%_ask path --
}

_%FUNCTION%_value() {
        local -a given
        _%FUNCTION%_given
        _%FUNCTION%_ask value -- "$given[-1]"
}

# Behind set: a value, or data where the first word has the value.
_%FUNCTION%_operand() {
        local -a given
        _%FUNCTION%_given
        _%FUNCTION%_ask operand -- "$given[-1]"
}

_%FUNCTION%_data() {
        local -a given
        _%FUNCTION%_given
        (( $#given >= 2 )) && _%FUNCTION%_ask data -- "$given[-2]" "$given[-1]"
}

_%FUNCTION%_layer() {
        _%FUNCTION%_ask layer --
}
