#compdef %PROGRAM%
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of peios-reg(1): `peios-reg complete` says what is there or known. Names do not mind case.

# The words behind the command that are no options: those before the cursor.
_peios_reg_given() {
        local word
        for word in ${words[2,CURRENT-1]}; do
                [[ $word == -?* ]] || given+=("${(Q)word}")
        done
}

# Offers what it says of kind $1, the words before and the one that is typed.
_peios_reg_ask() {
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

_peios_reg_key() {
        _peios_reg_ask key --
}

_peios_reg_path() {
        _peios_reg_ask path --
}

_peios_reg_value() {
        local -a given
        _peios_reg_given
        _peios_reg_ask value -- "$given[-1]"
}

# Behind set: a value, or data where the first word has the value.
_peios_reg_operand() {
        local -a given
        _peios_reg_given
        _peios_reg_ask operand -- "$given[-1]"
}

_peios_reg_data() {
        local -a given
        _peios_reg_given
        (( $#given >= 2 )) && _peios_reg_ask data -- "$given[-2]" "$given[-1]"
}

_peios_reg_layer() {
        _peios_reg_ask layer --
}
