#compdef %PROGRAM%
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of peios-reg(1): keys, values and data, as the registry has them. Names do not mind case.

# Lists key $1: names of subkeys into `keys`, of values into `values`.
_peios_reg_list() {
        local row
        for row in ${(f)"$(peios-reg ls -- "$1" 2>/dev/null)"}; do
                case $row in
                *' = REG_'*) values+=("${row%% = REG_*}") ;;
                *'\') keys+=("${row%\\}") ;;
                esac
        done
}

_peios_reg_key() {
        local word=${(Q)PREFIX} separator='\' parent
        local -a keys values
        # Within quotes a backslash is one.
        [[ -z $compstate[quote] ]] || word=$PREFIX
        [[ $word == */* ]] && separator=/
        parent=${word%${word##*[\\/]}}
        if [[ -z $parent || $parent == [\\/] ]]; then
                _peios_reg_list '\'
                _peios_reg_list Machine
        else
                _peios_reg_list "${parent%[\\/]}"
        fi
        (( $#keys )) && compadd -M 'm:{a-zA-Z}={A-Za-z}' -S "$separator" -q -- $parent${^keys}
        [[ $1 == with-values && -n $parent ]] && (( $#values )) &&
                compadd -M 'm:{a-zA-Z}={A-Za-z}' -- $parent${^values:#*[\\/]*}
}

_peios_reg_path() {
        _peios_reg_key with-values
}

# The words behind the command that are no options: those before the cursor.
_peios_reg_given() {
        local word
        for word in ${words[2,CURRENT-1]}; do
                [[ $word == -?* ]] || given+=("${(Q)word}")
        done
}

_peios_reg_value() {
        local -a keys values given
        _peios_reg_given
        _peios_reg_list "$given[-1]"
        (( $#values )) && compadd -M 'm:{a-zA-Z}={A-Za-z}' -- $values
}

_peios_reg_data() {
        local allowed
        local -a given
        _peios_reg_given
        (( $#given >= 2 )) || return
        allowed=$(peios-reg why --json -- "$given[-2]" "$given[-1]" 2>/dev/null)
        [[ $allowed == *'"allowed":"one of '* ]] || return
        allowed=${${allowed#*\"allowed\":\"one of }%%\"*}
        compadd -- ${(s:, :)allowed}
}
